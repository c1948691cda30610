import pytest
from fakes.still_broker import CLIENT, StillBroker
from fakes.token_rig import call

from gateway.dialects.jmix.requests import read_client, read_parameters, read_token
from gateway.errors import BodyTooLarge, ClientRejected, MalformedBody

FORM = "application/x-www-form-urlencoded"


async def test_a_client_authenticates_by_basic():
    assert await read_client(StillBroker(), call(authorization="Basic cG9ydGFsOnJpZ2h0")) is CLIENT


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer x", "Basic", "Basic !", "Basic cG9ydGFs", "Basic cG9ydGFsOndyb25n", "Basic portal right"],
)
async def test_and_in_no_other_way(header):
    headers = {} if header is None else {"authorization": header}

    with pytest.raises(ClientRejected):
        await read_client(
            StillBroker(), call(body=b"client_id=portal&client_secret=right", content_type=FORM, **headers)
        )


@pytest.mark.parametrize(
    ("kind", "body", "query", "found"),
    [
        (FORM, b"a=1&b=x%20y+z&c=", "", {"a": "1", "b": "x y z"}),
        (FORM + ";charset=UTF-8", b"a=%C3%A9", "", {"a": "\xe9"}),
        ("application/json", b'{"a":"1"}', "", {}),
        ("", b"a=1", "", {}),
        (FORM, b"", "a=1", {}),
    ],
)
def test_parameters_are_those_of_a_form(kind, body, query, found):
    assert read_parameters(call(body=body, query=query, content_type=kind)) == found


def test_by_the_switch_those_of_the_query_count_too():
    """As a servlet has it. One that stands in both places is refused."""
    asked = call(body=b"a=1", query="b=x%20y&c=%C3%A9", content_type=FORM)

    assert read_parameters(asked, in_query=True) == {"a": "1", "b": "x y", "c": "\xe9"}
    assert read_parameters(call(query="grant_type=password"), in_query=True) == {"grant_type": "password"}
    with pytest.raises(MalformedBody):
        read_parameters(call(body=b"a=1", query="a=1", content_type=FORM), in_query=True)


@pytest.mark.parametrize(
    ("body", "refusal"), [(b"a=1&a=2", MalformedBody), (b"a=%", MalformedBody), (b"a" * 65537, BodyTooLarge)]
)
def test_a_form_has_one_reading(body, refusal):
    with pytest.raises(refusal):
        read_parameters(call(body=body, content_type=FORM))


@pytest.mark.parametrize(
    ("found", "token"),
    [
        ("CXE0w/9cOsnpSo8v2jEDoI8Qa3Y=", "CXE0w/9cOsnpSo8v2jEDoI8Qa3Y="),
        (" XE0w/9cOs+pSo8v2jEDoI8 a3Y=", "+XE0w/9cOs+pSo8v2jEDoI8+a3Y="),
        ("not a token", "not a token"),
        (" XE0w/9cOsnpSo8v2jEDoI8Qa3Y", " XE0w/9cOsnpSo8v2jEDoI8Qa3Y"),
        ("<XE0w/9cOs pSo8v2jEDoI8Qa3Y=", "<XE0w/9cOs pSo8v2jEDoI8Qa3Y="),
    ],
)
def test_a_plus_that_was_not_escaped_is_no_space_in_a_token(found, token):
    assert read_token({"token": found}, "token") == token


def test_there_may_be_no_token():
    assert read_token({}, "token") is None
