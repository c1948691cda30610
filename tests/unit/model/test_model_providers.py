"""An ERP's answer may hold its session: no repr shows it."""

from gateway.model import ErpAnswer


def test_no_repr_shows_what_an_erp_answered():
    answer = ErpAnswer(200, {"authorization": "the-header"}, {"session_id": "the-cookie"}, b"the-body")

    assert "the-" not in repr(answer)
