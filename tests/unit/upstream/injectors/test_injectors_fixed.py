import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.model import Identity
from gateway.upstream.injectors import INJECTORS
from gateway.upstream.injectors.fixed import BasicCredential, BearerCredential, HeaderCredential, NoCredential

ADA = Identity("staff", "101", "ada", "bearer")


def made(kind, **options):
    return kind(kind.Options.model_validate(options))


def test_basic_is_utf_8():
    injector = made(BasicCredential, username="gateway", password="pässword:x")

    assert injector.headers_for(ADA) == b"Authorization: Basic Z2F0ZXdheTpww6Rzc3dvcmQ6eA==\r\n"
    assert injector.owns == {b"authorization"}


def test_bearer_and_any_header():
    assert made(BearerCredential, token="t").headers_for(ADA) == b"Authorization: Bearer t\r\n"
    injector = made(HeaderCredential, name="X-ERP-Key", value="a b")
    assert injector.headers_for(ADA) == b"X-ERP-Key: a b\r\n"
    assert injector.owns == {b"x-erp-key"}


def test_none_writes_and_owns_nothing():
    assert made(NoCredential).headers_for(ADA) == b""
    assert made(NoCredential).owns == frozenset()


@pytest.mark.parametrize("username", ["a:b", "a\nb", "a\x00", "\u2028"])
def test_a_user_name_that_basic_cannot_carry(username):
    with pytest.raises(ValidationError):
        made(BasicCredential, username=username, password="x")


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "a\r\nb", "ä", "Host", "content-length", "Connection", "Transfer-Encoding", "TE"]
)
def test_a_header_that_no_injector_may_write(name):
    with pytest.raises(ValidationError):
        made(HeaderCredential, name=name, value="x")


VALUE = st.text(max_size=20)


@given(VALUE, st.sampled_from(["bearer", "header"]))
def test_a_value_is_one_line_or_refused(value, kind):
    options = {"token": value} if kind == "bearer" else {"name": "X-Key", "value": value}
    try:
        lines = made(INJECTORS[kind], **options).headers_for(ADA)
    except ValidationError:
        refused = not (value.isascii() and value.isprintable() and value == value.strip() and value)
        assert refused
        return

    assert lines.endswith(b"\r\n")
    assert lines.count(b"\r") == lines.count(b"\n") == 1
    assert value.encode() in lines


@pytest.mark.parametrize("kind", INJECTORS)
def test_unknown_options_are_refused(kind):
    if hasattr(INJECTORS[kind], "Options"):
        with pytest.raises(ValidationError):
            INJECTORS[kind].Options.model_validate({"nonsense": 1})


def test_no_repr_shows_the_credential():
    options = BasicCredential.Options.model_validate({"username": "gateway", "password": "hush-hush"})

    assert "hush-hush" not in repr(options)
