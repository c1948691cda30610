import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn.sources.jsonrpc import JsonRpc
from gateway.errors import BodyTooLarge, Forbidden, MalformedBody

READ = JsonRpc().read
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def body(params, **more):
    return json.dumps({"jsonrpc": "2.0", "method": "call", "params": params, **more}).encode()


def test_a_call_is_read_with_its_id():
    params = {"service": "object", "method": "execute_kw", "args": ["prod", 2, "Zoë's", "res.partner", "read", [[1]]]}

    asked = READ(b"/jsonrpc", body(params, id="r7"))

    assert (asked.id, asked.database, asked.who, asked.password) == ("r7", "prod", 2, "Zoë's")


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b"null", b"{", b'{"params": []}', b'{"params": {"service": "common", "method": "version"}}',
        b'{"params": {"service": "common", "method": "version", "args": {}}}',
        b'{"params": {"service": "common", "method": "version", "args": []}} {}',
        b'{"params": {"service": "common", "method": "version", "args": [], "args": []}}',
        b'{"params": {"service": "db", "method": "drop", "args": []}, "params": {}}',
        b'{"params": {"service": "common", "method": "version", "args": [{"a": 1, "\\u0061": 2}]}}',
        b'[{"params": {"service": "common", "method": "version", "args": []}}]',
        b'\xef\xbb\xbf{"params": {"service": "common", "method": "version", "args": []}}',
        '{"params": {"service": "common", "method": "version", "args": []}}'.encode("utf-16"),
        b'{"params": {"service": "common", "method": "version", "args": ["\xff"]}}',
        b"[" * 200_000, b"9" * 5000,
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(text):
    with pytest.raises(MalformedBody):
        READ(b"/jsonrpc", text)


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1"])
def test_millions_of_values_are_refused_unread(value):
    with pytest.raises(BodyTooLarge):
        READ(b"/jsonrpc", b'{"params": [' + (value + b",") * 1_000_000 + b"1]}")


def test_a_file_in_one_string_is_read_whatever_its_size():
    params = {
        "service": "object",
        "method": "execute_kw",
        "args": ["prod", 2, "s", "ir.attachment", "create", "A" * 2**24],
    }

    assert READ(b"/jsonrpc", body(params)).who == 2


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | JSON.map(body))
def test_whatever_comes_is_a_call_or_a_refusal(text):
    with suppress(MalformedBody, Forbidden):
        READ(b"/jsonrpc", text)


@given(JSON, st.lists(JSON, max_size=4))
def test_what_is_read_is_what_any_parser_reads(rpc_id, more):
    text = body({"service": "common", "method": "login", "args": ["prod", "ada", "secret", *more]}, id=rpc_id)

    asked = READ(b"/jsonrpc", text)

    assert (asked.who, asked.password) == ("ada", "secret")
    assert json.dumps(asked.id) == json.dumps(json.loads(text)["id"])
