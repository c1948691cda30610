import sys
from contextlib import suppress
from xmlrpc.client import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn.sources.xmlrpc import XmlRpc
from gateway.errors import BodyTooLarge, Forbidden, MalformedBody

READ = XmlRpc().read
COMMON, OBJECT = b"/xmlrpc/2/common", b"/xmlrpc/2/object"
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xD7FF))
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31 - 1) | TEXT | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)
VERSION = "<methodCall><methodName>version</methodName><params/></methodCall>"
BOMB = (
    '<!DOCTYPE b [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9)).replace("&a0;", "&a;")
    + "]><methodCall><methodName>&a8;</methodName></methodCall>"
)


def test_the_old_paths_and_the_new_ones_are_spoken():
    called = dumps(("prod", 2, "secret", "res.partner", "read"), "execute").encode()

    assert {b"/xmlrpc/common", COMMON} <= XmlRpc.paths
    assert READ(b"/xmlrpc/object", called) == READ(OBJECT, called)


def test_the_path_says_which_service_is_called():
    login = READ(COMMON, dumps(("prod", "ada", "secret", {}), "authenticate").encode())
    called = READ(OBJECT, dumps(("prod", 2, "secret", "res.partner", "read"), "execute").encode())

    assert (login.database, login.who, login.password, login.is_login) == ("prod", "ada", "secret", True)
    assert (called.who, called.is_login) == (2, False)


@pytest.mark.parametrize(
    "text",
    [
        "", "<a", "<a/>", VERSION + VERSION, VERSION[:-3],
        "<methodCall><methodName>version</methodName><params><param><value><int>x</int></value></param></params></methodCall>",
        "<methodCall><params><param></value></param></params></methodCall>",
        "<methodCall><value></array></value></methodCall>",
        '<!DOCTYPE methodCall SYSTEM "http://127.0.0.1/x.dtd">' + VERSION,
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + VERSION.replace("version", "&x;"),
        BOMB,
    ],
)  # fmt: skip
def test_what_is_no_call_and_what_declares_entities_is_refused(text):
    with pytest.raises(MalformedBody):
        READ(COMMON, text.encode())


def test_hundreds_of_thousands_of_values_are_refused_unread():
    with pytest.raises(BodyTooLarge):
        READ(COMMON, VERSION.replace("</methodCall>", "<value/>" * 1_000_000 + "</methodCall>").encode())


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: f"<methodCall>{text}".encode()))
def test_whatever_comes_is_a_call_or_a_refusal(text):
    with suppress(MalformedBody, Forbidden):
        READ(COMMON, text)


@given(st.lists(st.sampled_from([f"<{end}{tag}>" for tag in ("value", "array", "data", "struct", "member", "name", "int",
       "base64", "params", "param", "fault", "methodName", "nil", "dateTime.iso8601", "bigdecimal") for end in ("", "/")]
       + ["1", "a"]), max_size=12))  # fmt: skip
def test_tags_in_any_order_are_a_call_or_a_refusal(tags):
    stack, text = [], "<methodCall>"
    for tag in tags:
        if tag.startswith("</"):
            if stack:
                text += f"</{stack.pop()}>"
        else:
            text += tag
            if tag.startswith("<"):
                stack.append(tag[1:-1])
    text += "".join(f"</{name}>" for name in reversed(stack)) + "</methodCall>"
    with suppress(MalformedBody, Forbidden):
        READ(COMMON, text.encode())


@given(TEXT.filter(str.isprintable), st.lists(VALUES, max_size=4))
def test_what_was_written_is_what_is_read(password, more):
    asked = READ(COMMON, dumps(("prod", "ada", password, *more), "login").encode())

    assert asked.password == password


@pytest.mark.parametrize("text", ["\n", "&lt;", "&#10;", "\r"])
def test_a_long_text_is_not_read_in_a_million_pieces(text):
    """Expat hands each line break and each reference over by itself unless it is told not to."""
    body = dumps(("prod", 2, "secret", "x", "y", "TEXT"), "execute").replace("TEXT", text * 100_000).encode()
    pieces = []
    sys.setprofile(lambda frame, event, _: event == "call" and frame.f_code.co_name == "data" and pieces.append(event))
    try:
        called = READ(OBJECT, body)
    finally:
        sys.setprofile(None)

    assert called.who == 2
    assert 0 < len(pieces) < 1000
