"""Odoo's XML-RPC: its answers and faults, as addons/base/controllers/rpc.py writes them."""

from typing import Any, Final
from xmlrpc.client import Fault, dumps

from gateway.dialects.odoo_rpc import ACCESS_DENIED, ACCESS_ERROR, spelling
from gateway.dialects.replies import NO_STORE, what_to_do
from gateway.errors import GatewayError
from gateway.model import Reply

_XML: Final = (b"Content-Type", b"text/xml; charset=utf-8")
_CODES: Final = {ACCESS_DENIED: 3, ACCESS_ERROR: 4}
_OTHER: Final = 1


def answered(*, value: bool) -> Reply:
    """HTTP 200 with a result."""
    return Reply(200, dumps((value,), methodresponse=True).encode(), (_XML, *NO_STORE))


def failed(error: GatewayError, *, in_words: bool = False) -> Reply:
    """A fault. What concerns the user is HTTP 200, as in Odoo; what concerns the transport keeps its status.

    Below `/xmlrpc/2` its code is a number; below `/xmlrpc` it is `in_words`.
    """
    status, name, message = spelling(error)
    fault = _in_words(name, message) if in_words else Fault(_CODES.get(name, _OTHER), message)
    body = dumps(fault, methodresponse=True)
    return Reply(status, body.encode(), (_XML, *NO_STORE, *what_to_do(error)))


def _in_words(name: str, message: str) -> Fault:
    code: Any = "AccessDenied" if name == ACCESS_DENIED else message  # typeshed knows numbers only
    if name == ACCESS_ERROR:
        code = f"warning -- AccessError\n\n{message}"
    return Fault(code, message if name == ACCESS_DENIED else "")
