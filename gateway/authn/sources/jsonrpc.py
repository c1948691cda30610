"""Credential source: the password or API key in the body of Odoo's `/jsonrpc`."""

import json
from typing import Any

from gateway.authn.sources.rpc import RpcCall, check_parts, rpc_call
from gateway.errors import MalformedBody


class JsonRpc:
    """`params` of one call: service, method, args."""

    method = "jsonrpc"
    paths = frozenset({b"/jsonrpc"})

    def read(self, path: bytes, body: bytes) -> RpcCall:  # noqa: ARG002 - the seam's: the body says what is called
        """See BodySource. A key that stands there twice is refused: two parsers may each take another (CWE-436)."""
        check_parts(body, (b",", b"[", b"{"))
        try:
            value = json.loads(body.decode(), object_pairs_hook=_once)
        except (ValueError, RecursionError):  # a decoding error is a ValueError, too
            raise MalformedBody("not one JSON value without repeated keys") from None
        params = value.get("params") if isinstance(value, dict) else None
        args = params.get("args") if isinstance(params, dict) else None
        if not isinstance(params, dict) or not isinstance(args, list):
            raise MalformedBody("not a JSON-RPC call with params.args")
        return rpc_call(params.get("service"), params.get("method"), args, value.get("id"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found
