"""A ban in every dialect and protocol, to the byte: whoever is banned reads it in the form that his client knows."""

import pytest
from fakes.token_rig import still

from gateway.dialects import DIALECTS, odoo_rpc, odoo_xmlrpc
from gateway.errors import Banned

BANNED = Banned(retry_after=540)
PLAIN, UTF8 = b"application/json", b"application/json; charset=utf-8"
SENTENCE = b"Too many failed logins; try again later."
OAUTH = b'{"error":"too_many_requests","error_description":"%b"' % SENTENCE
ODOOS_SENTENCE = b"Too many login failures, please wait a bit before trying again."
IN_JSON_RPC = (
    b'{"jsonrpc": "2.0", "id": 7, "error": {"code": 200, "message": "Odoo Server Error", "data":'
    b' {"name": "odoo.exceptions.AccessDenied", "debug": "odoo.exceptions.AccessDenied: %b\\n", "message": "%b",'
    b' "arguments": ["%b"], "context": {}}}}' % ((ODOOS_SENTENCE,) * 3)
)
IN_XML_RPC = (
    b"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n"
    b"<member>\n<name>faultCode</name>\n<value>%b</value>\n</member>\n"
    b"<member>\n<name>faultString</name>\n<value><string>%b</string></value>\n</member>\n"
    b"</struct></value>\n</fault>\n</methodResponse>\n"
)
GOLDEN = {
    "native": (429, PLAIN, OAUTH + b',"request_id":"req-1"}'),
    "oauth2": (429, PLAIN, OAUTH + b',"request_id":"req-1"}'),
    "idempiere": (429, PLAIN, b'{"title":"Too Many Requests","status":429,"detail":"%b"}' % SENTENCE),
    "jdx": (429, PLAIN, OAUTH + b"}"),
    "odoo": (200, UTF8, IN_JSON_RPC),
    "itempath": (429, PLAIN, b'{"msg":"%b"}\n' % SENTENCE),
    "jmix": (429, b"application/json;charset=UTF-8", b'{"error":"Too Many Requests","details":"%b"}' % SENTENCE),
}


def checked(reply, status, kind, body):
    no_store = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
    assert reply.status == status
    assert reply.headers == ((b"Content-Type", kind), *no_store, (b"Retry-After", b"540"))
    assert reply.body == body


def test_every_dialect_is_here():
    assert set(GOLDEN) == set(DIALECTS)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_ban_in_a_dialect(name):
    dialect = still(DIALECTS[name], f"/{name}", None)

    checked(dialect.refuse(BANNED, b'{"id":7}', "req-1"), *GOLDEN[name])


def test_a_ban_in_the_later_generation_of_jmix():
    dialect = still(DIALECTS["jmix"], "/oauth2", None, {"generation": 2})

    checked(dialect.refuse(BANNED), 429, b"application/json;charset=UTF-8", OAUTH + b"}")


def test_a_ban_in_json_rpc():
    checked(odoo_rpc.failed(7, BANNED, 200), 200, UTF8, IN_JSON_RPC)


@pytest.mark.parametrize(("in_words", "code"), [(False, b"<int>3</int>"), (True, b"<string>AccessDenied</string>")])
def test_a_ban_in_xml_rpc(in_words, code):
    reply = odoo_xmlrpc.failed(BANNED, in_words=in_words)

    checked(reply, 200, b"text/xml; charset=utf-8", IN_XML_RPC % (code, ODOOS_SENTENCE))
