"""The gate's steps for routes whose credential is in the body: read it whole, judge it, forward those very bytes."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

from gateway.authn.authenticator import NOBODY
from gateway.authn.sources import BodySource, RpcCall
from gateway.errors import (
    AccountLocked,
    BadRequest,
    Forbidden,
    GatewayError,
    LoginRejected,
    MethodNotAllowed,
    SelectionNeeded,
)
from gateway.proxy.calls import call_of
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.head import RequestHead
from gateway.proxy.route import Route
from gateway.proxy.rpc_surface import RpcSurface
from gateway.routing.paths import strip_prefix
from gateway.tokens.cache import Verified

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a body; a route's own limit may be lower."""
_QUICK: Final = 64 * 1024
"""Bytes that are read at once; more of them would hold everybody else up."""


class RpcSteps(ABC):
    """Mixed into the gate, which owns the steps named here."""

    @abstractmethod
    def _forward(self, exchange: ForwardedExchange, route: Route, verified: Verified) -> None: ...

    @abstractmethod
    def _suspend(self, exchange: ForwardedExchange) -> None: ...

    @abstractmethod
    def _run(self, exchange: ForwardedExchange, work: Coroutine[Any, Any, None]) -> None: ...

    def read_rpc(self, exchange: ForwardedExchange, route: Route, rpc: RpcSurface) -> None:
        """Take an exchange on; it goes on by itself."""
        self._suspend(exchange)
        self._run(exchange, self._with_rpc(exchange, route, rpc))

    async def _with_rpc(self, exchange: ForwardedExchange, route: Route, rpc: RpcSurface) -> None:
        try:
            asked = await self._read(exchange, route, rpc.source)
            try:
                exchange.verified = await self._judge_rpc(exchange, rpc, asked)
            except LoginRejected as refused:
                if not asked.is_login or isinstance(refused, AccountLocked | SelectionNeeded):
                    raise
                exchange.reply(rpc.deny(asked))
                return
            if not exchange.over:
                self._forward(exchange, route, exchange.verified)
        except GatewayError as error:
            exchange.refuse(error)

    async def _judge_rpc(self, exchange: ForwardedExchange, rpc: RpcSurface, asked: RpcCall) -> Verified:
        if asked.who is None:
            return NOBODY
        return await rpc.logins.verified(asked, rpc.source.method, call_of(exchange, b""))

    async def _read(self, exchange: ForwardedExchange, route: Route, source: BodySource) -> RpcCall:
        path = check_head(exchange, route, source)
        if not exchange.has_body:
            raise BadRequest("an RPC without a body")
        body = await exchange.collect_body(min(route.body_limit or MOST_BYTES, MOST_BYTES))
        self._suspend(exchange)  # what is waited for now is not the client
        exchange.replace_body(body)
        if len(body) <= _QUICK:
            return source.read(path, body)
        return await asyncio.to_thread(source.read, path, body)


def check_head(asked: RequestHead, route: Route, source: BodySource) -> bytes:
    """The path as the ERP sees it. Refuses what could make Odoo read another call than the one in the body.

    Raises Forbidden, BadRequest, MethodNotAllowed.
    """
    path = strip_prefix(asked.path, route.strip_prefix) if route.strip_prefix else asked.path
    if path not in source.paths:
        raise Forbidden("no path of this protocol")
    if asked.method != "POST":
        raise MethodNotAllowed(asked.method, allow=("POST",))
    if asked.query:
        raise BadRequest("a query beside an RPC: older Odoos take the call from there (jsonp)")
    kind = (asked.content_type or b"").lower()
    if b"charset" in kind and b"utf-8" not in kind:
        raise BadRequest("an RPC in another charset")
    codings = [value.strip().lower() for name, value in asked.fields if name.lower() == b"content-encoding"]
    if any(coding != b"identity" for coding in codings):
        raise BadRequest("an encoded RPC: whoever decodes it on the way reads other bytes than were judged here")
    return path
