"""What an ERP session puts on a request, and for how long."""

from math import inf

from gateway.model import ErpSession
from gateway.upstream.erp_credential import Credential

ERP = ErpSession(headers=(("Authorization", "Bearer x"), ("X-Db", "prod")), cookies=(("a", "1"), ("b", "2")))


def test_lines_and_cookie_are_ready_made():
    credential = Credential(ERP, "v1")

    assert credential.lines == b"Authorization: Bearer x\r\nX-Db: prod\r\n"
    assert credential.cookie == b"a=1; b=2"
    assert (Credential(ErpSession(), "v1").lines, Credential(ErpSession(), "v1").cookie) == (b"", b"")


def test_it_is_fresh_until_it_is_due():
    assert Credential(ERP, "v1", fresh_for=inf).is_fresh
    assert Credential(ERP, "v1", fresh_for=60).is_fresh
    assert not Credential(ERP, "v1", fresh_for=0).is_fresh


def test_only_what_comes_from_a_renewal_is_trusted():
    assert Credential(ERP, "v1", doubted=True).is_trusted
    assert not Credential(ERP, "v1").is_trusted


def test_one_that_was_taken_after_its_renewal_may_end_again_but_once_a_minute():
    renewed = Credential(ERP, "v2", after=Credential(ERP, "v1"))
    assert renewed.is_trusted
    renewed.taken()
    assert not renewed.is_trusted

    again = Credential(ERP, "v3", after=renewed)
    again.taken()

    assert again.is_trusted


def test_one_that_nothing_was_renewed_for_stays_as_good_as_it_gets():
    confirmed = Credential(ERP, "v1", doubted=True)

    confirmed.taken()

    assert confirmed.is_trusted


def test_it_shows_nothing():
    assert repr(Credential(ERP, "v1")) == "Credential(version=v1)"
