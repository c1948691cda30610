from time import monotonic
from urllib.parse import unquote

import pytest
from fakes.wired_gate import NAMES, erp_key
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unavailable
from gateway.model import Identity
from gateway.proxy import identity_lines
from gateway.proxy.identity_lines import AssertingLines, IdentityLines, header_value, list_value
from gateway.tokens.cache import Verified
from gateway.upstream.injectors.fixed import NoCredential


class Fetching:
    """An injector whose credential is not at hand."""

    owns = frozenset()

    def headers_for(self, identity):
        return None


def verified(user="ada", **fields):
    return Verified(Identity("staff", "101", user, "bearer", **fields), 2e9, "s")


@pytest.fixture
def lines():
    return IdentityLines(NAMES, NoCredential(NoCredential.Options()))


def test_every_fact_has_its_line_and_nothing_has_none(lines):
    full = verified(roles=frozenset({"b", "a,c"}), scopes=frozenset({"s"}), tenant="Garden World", login="native")

    assert lines(full).decode().split("\r\n")[:-1] == [
        "X-Auth-User: ada",
        "X-Auth-User-Id: 101",
        "X-Auth-Roles: a%2Cc,b",
        "X-Auth-Scopes: s",
        "X-Auth-Tenant: Garden World",
        "X-Auth-Login: native",
        "X-Auth-Method: bearer",
    ]
    assert lines(verified()).count(b"\r\n") == 3


def test_they_are_made_once_for_each_identity_and_upstream(lines):
    one, other = verified(), IdentityLines(NAMES, erp_key())

    assert lines(one) is lines(one)
    assert other(one) == lines(one) + b"X-ERP-Key: k\r\n"
    assert other(one) is other(one)


def test_a_credential_that_is_not_at_hand_is_no_request_without_one():
    with pytest.raises(Unavailable):
        IdentityLines(NAMES, Fetching())(verified())


def test_an_assertion_is_signed_anew_after_half_its_life(lines, monkeypatch):
    signed = []
    asserting = AssertingLines(
        lines, "X-Assertion", lambda identity: signed.append(identity) or f"jwt{len(signed)}", 60
    )
    one = verified()
    start = monotonic()

    assert asserting(one).endswith(b"X-Assertion: jwt1\r\n")
    monkeypatch.setattr(identity_lines, "monotonic", lambda: start + 29)
    assert asserting(one).endswith(b"X-Assertion: jwt1\r\n")
    monkeypatch.setattr(identity_lines, "monotonic", lambda: start + 31)
    assert asserting(one).endswith(b"X-Assertion: jwt2\r\n")
    assert asserting(verified("bob")).endswith(b"X-Assertion: jwt3\r\n")


@given(st.text())
def test_a_value_is_one_line_of_ascii_and_can_be_read_back(text):
    value = header_value(text)

    assert value.isascii()
    assert value == "" or value.isprintable()
    assert unquote(value) == text.encode("utf-8", "replace").decode("utf-8").strip(" ")


@given(st.frozensets(st.text(min_size=1), max_size=5))
def test_a_list_is_one_line_and_can_be_taken_apart(items):
    value = list_value(items)

    assert value.isascii()
    assert value == "" or value.isprintable()
    assert {unquote(item) for item in value.split(",") if item or items} == set(items)


@given(
    st.builds(
        Identity,
        st.text(),
        st.text(),
        st.text(),
        st.just("bearer"),
        st.frozensets(st.text()),
        st.frozensets(st.text()),
        st.text(),
        st.text(),
    )
)
def test_no_name_from_a_database_begins_a_header_of_its_own(identity):
    """CWE-113."""
    lines = IdentityLines(NAMES, NoCredential(NoCredential.Options())).make(identity)

    for line in lines.decode("ascii").split("\r\n")[:-1]:
        name, colon, value = line.partition(": ")
        assert name in NAMES.values()
        assert colon
        assert value
        assert value.isprintable()
