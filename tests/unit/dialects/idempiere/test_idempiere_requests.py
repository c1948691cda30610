"""Bodies and queries, read as Jackson and JAX-RS do."""

import json
from contextlib import suppress

import pytest
from fakes.token_rig import call
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.idempiere.requests import read_credential, read_logout, read_parameters, read_query, read_refresh
from gateway.dialects.idempiere.selection import Parameters
from gateway.errors import MalformedBody, NotFound, UnsupportedMediaType


def sent(body, content_type="application/json"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call("POST", body=raw, content_type=content_type)


def test_a_login_in_one_step():
    parameters = {
        "clientId": 11,
        "roleId": "2000001",
        "organizationId": " HQ ",
        "warehouseId": None,
        "language": "en_US",
    }

    read = read_credential(sent({"userName": "ada", "password": "x", "parameters": parameters}))

    assert (read.username, read.password) == ("ada", "x")
    assert read.parameters == Parameters("11", "2000001", "HQ", "", "en_US")
    assert "password" not in repr(read)


@pytest.mark.parametrize("body", [{}, {"userName": None}, {"userName": "", "password": ""}, {"parameters": None}])
def test_what_is_left_out_is_empty(body):
    read = read_credential(sent(body))

    assert (read.username, read.password, read.parameters) == ("", "", None)


def test_scalars_become_text():
    assert read_credential(sent({"userName": 7, "password": 1234})).password == "1234"
    assert read_parameters(sent(b'{"clientId":11.0,"roleId":true}')) == Parameters("11.0", "True")


def test_empty_parameters_are_parameters():
    assert read_credential(sent({"userName": "ada", "password": "x", "parameters": {}})).parameters == Parameters()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b'{"userName":"a","userName":"b"}',
        {"username": "ada"},
        {"userName": ["ada"]},
        {"userName": {}},
        {"userName": "a\0b"},
        b'{"userName":"\\ud800"}',
        {"userName": "x" * 257},
        {"userName": "ada", "parameters": []},
        {"userName": "ada", "parameters": {"client": 11}},
        {"userName": "ada", "parameters": {"clientId": [11]}},
    ],
)
def test_any_other_body_is_malformed(body):
    with pytest.raises(MalformedBody):
        read_credential(sent(body))


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_read(content_type):
    for read in (read_credential, read_parameters, read_refresh, read_logout):
        with pytest.raises(UnsupportedMediaType):
            read(sent({}, content_type))


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({}, (None, None)),
        ({"clientId": 11, "userId": "101"}, (11, 101)),
        ({"clientId": None, "userId": ""}, (None, None)),
        ({"clientId": -1, "userId": " 7 "}, (-1, 7)),
    ],
)
def test_the_ids_of_a_refresh_are_numbers(body, ids):
    read = read_refresh(sent({"refresh_token": "R", **body}))

    assert (read.token, read.client_id, read.user_id) == ("R", *ids)
    assert "R" not in repr(read).replace("Refresh", "")


@pytest.mark.parametrize(
    "body", [{"clientId": "GardenWorld"}, {"clientId": 1.5}, {"userId": True}, {"userId": [1]}, {"token": "R"}]
)
def test_other_ids_of_a_refresh_are_malformed(body):
    with pytest.raises(MalformedBody):
        read_refresh(sent(body))


def test_a_logout_names_its_token():
    assert read_logout(sent({"token": "T"})) == "T"
    assert read_logout(sent({})) == ""


def test_the_numbers_of_a_query():
    asked = call("GET", query="role=102&client=11&locale=es_CO&organization=")

    assert read_query(asked, "client", "role", "organization") == (11, 102, 0)
    for query in ("client=GardenWorld", "client=1.0", "client=%31x", "client=11+"):
        with pytest.raises(NotFound):
            read_query(call("GET", query=query), "client")
    with pytest.raises(MalformedBody):
        read_query(call("GET", query="client=1&client=2"), "client")


MEMBERS = ["userName", "password", "parameters", "clientId", "userId", "token", "refresh_token"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), part, max_size=4)
)


@given(st.binary(max_size=60) | VALUES)
def test_whatever_is_sent_is_read_or_refused(body):
    for read in (read_credential, read_parameters, read_refresh, read_logout):
        with suppress(MalformedBody):
            read(sent(body))
