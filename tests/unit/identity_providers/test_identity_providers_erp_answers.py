"""What is read of an ERP's answer: what does not fit is nonsense, whatever it is."""

import contextlib
from math import inf, nan

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.errors import ErpNonsense
from gateway.identity_providers.erp_answers import (
    basic,
    bearer,
    claims_of,
    form_body,
    json_body,
    jwt_renew_at,
    media_type,
    read_object,
    renew_at,
    text_in,
    token_in,
)
from gateway.model import ErpAnswer

NOW = 1_800_000_000.0


def answer(body):
    return ErpAnswer(200, {}, {}, body)


def test_bodies_and_headers_are_written_as_the_erps_read_them():
    assert json_body({"a": "ä"}) == b'{"a":"\\u00e4"}'
    assert form_body(username="a&b", password="ö +") == b"username=a%26b&password=%C3%B6+%2B"
    assert basic("client", "sécret") == {"Authorization": "Basic Y2xpZW50OnPDqWNyZXQ="}
    assert bearer("x") == {"Authorization": "Bearer x"}


def test_an_object_is_read():
    assert read_object(answer(b'{"a":1}'), "erp") == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b'"x"', b"{", b"\xff", b"[" * 100_000, b"<html>"])
def test_what_is_no_object_is_nonsense(body):
    with pytest.raises(ErpNonsense):
        read_object(answer(body), "erp")


@given(some.binary(max_size=200))
def test_any_body_is_an_object_or_nonsense(body):
    with contextlib.suppress(ErpNonsense):
        assert isinstance(read_object(answer(body), "erp"), dict)


@pytest.mark.parametrize("token", [None, 1, "", "a b", "a\r\nX-Evil: 1", "ä", "x" * 16385, ["x"]])
def test_a_token_is_one_word_of_visible_ascii(token):
    with pytest.raises(ErpNonsense):
        token_in({"token": token}, "token", "erp")


def test_a_text_is_a_text_or_nothing():
    assert text_in({"a": "x"}, "a") == "x"
    assert text_in({"a": 1}, "a") == text_in({}, "a") == ""


def test_claims_are_read_and_never_believed():
    token = jwt.encode({"sub": "ada"}, "k" * 32, algorithm="HS256")

    assert claims_of(token) == {"sub": "ada"}
    assert claims_of("x") == claims_of("a.b") == claims_of("a.WzFd.c") == claims_of("a.!!!.c") == {}


@given(some.text(max_size=100))
def test_any_text_has_claims_or_none(text):
    assert isinstance(claims_of(text), dict)


@pytest.mark.parametrize(
    ("life", "at"),
    [(43199, 43139), (300, 240), (100, 80), (20, 30), (-5, 30), (None, inf), ("x", inf), (True, inf), (nan, inf)],
)
def test_a_credential_is_renewed_before_its_end(life, at):
    assert renew_at(NOW, life) == NOW + at


def test_a_jwt_is_renewed_by_its_own_clock_where_it_tells_it():
    def token(**claims):
        return jwt.encode(claims, "k" * 32, algorithm="HS256")

    assert jwt_renew_at(NOW, token(iat=5, exp=905)) == NOW + 840
    assert jwt_renew_at(NOW, token(exp=NOW + 900)) == NOW + 840
    assert jwt_renew_at(NOW, token(sub="ada")) == inf
    assert jwt_renew_at(NOW, "opaque") == inf


def test_a_media_type_is_told_without_its_parameters():
    assert media_type({b"content-type": b"Application/JSON; charset=utf-8"}) == b"application/json"
    assert media_type({}) == b""
