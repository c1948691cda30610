"""What a token endpoint is sent: one reading only, and nothing secret in the URI."""

from base64 import b64encode

import pytest
from fakes.token_rig import call

from gateway.dialects.grants import asked_scopes, client_credentials, read_grant_form
from gateway.errors import ClientRejected, MalformedBody, ScopeRejected

FORM = {"content_type": "application/x-www-form-urlencoded"}


def basic(name, secret):
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


def test_the_form_is_read():
    assert read_grant_form(call(body=b"grant_type=x&scope=", **FORM)) == {"grant_type": "x"}
    assert read_grant_form(call(body=b"a=b", query="db=prod", **FORM)) == {"a": "b"}


@pytest.mark.parametrize("query", ["client_secret=s", "refresh_token=t", "grant_type=x", "a=1&scope=x"])
def test_parameters_in_the_uri_are_refused(query):
    with pytest.raises(MalformedBody, match="never in the URI"):
        read_grant_form(call(body=b"a=b", query=query, **FORM))


def test_a_client_authenticates_in_the_body_or_by_basic():
    assert client_credentials(call(), {"client_id": "portal", "client_secret": "s+1"}) == (("portal", "s+1"),)
    assert client_credentials(call(authorization=basic("portal", "s+1")), {}) == (("portal", "s 1"), ("portal", "s+1"))
    assert client_credentials(call(authorization=basic("portal", "x")), {"client_id": "portal"}) == (("portal", "x"),)


@pytest.mark.parametrize("form", [{}, {"client_id": "portal"}, {"client_secret": "s"}])
def test_a_client_that_does_not_authenticate_is_refused(form):
    with pytest.raises(ClientRejected):
        client_credentials(call(), form)


@pytest.mark.parametrize("form", [{"client_secret": "x"}, {"client_id": "other"}])
def test_a_client_that_authenticates_in_two_ways_is_refused(form):
    with pytest.raises(MalformedBody):
        client_credentials(call(authorization=basic("portal", "x")), form)


def test_scopes_are_asked_for_once_each():
    assert asked_scopes({}) is None
    assert asked_scopes({"scope": "b a b"}) == ("b", "a")


@pytest.mark.parametrize("scope", [" a", "a  b", 'a"b', "ä", "a" * 9000])
def test_malformed_scopes_are_refused(scope):
    with pytest.raises(ScopeRejected):
        asked_scopes({"scope": scope})
