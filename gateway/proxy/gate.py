"""The object that takes one exchange from head to end; the warm path through it never suspends."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from itertools import count
from typing import Any

from gateway.authn.authenticator import COLD
from gateway.errors import GatewayError, MethodNotAllowed
from gateway.model import spawn
from gateway.proxy import phases
from gateway.proxy.connections import OpenConnections
from gateway.proxy.cors import answers_preflight, endpoint_cors
from gateway.proxy.endpoint import serve_endpoint
from gateway.proxy.erp_steps import ErpSteps
from gateway.proxy.forward_auth import asks_verdict
from gateway.proxy.forwarded import asked_host
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.holds import UNDECIDED
from gateway.proxy.observer import Observer
from gateway.proxy.outbound import upstream_head
from gateway.proxy.route import Judged, Route, Rules
from gateway.proxy.rpc_steps import RpcSteps
from gateway.proxy.tunnel import open_tunnel
from gateway.proxy.url_token_rules import read_form_token, read_url_token
from gateway.proxy.verify import VerifySteps
from gateway.routing.paths import split_target
from gateway.tokens.cache import Verified
from gateway.upstream.connection import UpstreamConnection
from gateway.upstream.pool import Server
from gateway.upstream.sink import Fields

log = logging.getLogger("gateway.proxy")

LONGEST_MEMO = 512
"""Bytes of a target that is worth remembering."""
MOST_MEMOS = 4096
"""Targets remembered at most; a full memo is emptied."""

REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})


class Gate(OpenConnections, ErpSteps, RpcSteps, VerifySteps):
    """Decides each exchange under the rules it began with."""

    def __init__(self, rules: Rules, observer: Observer) -> None:
        super().__init__(rules, observer)
        self.observe = observer.observe
        self._prefix = os.urandom(8).hex().encode() + b"-"
        self._ids = count(1)

    # -- one exchange, from its head ----------------------------------------------------------------------------

    def admit(self, exchange: ForwardedExchange) -> None:
        """Decide, and forward at once if nothing has to be waited for."""
        try:
            self._admit(exchange)
        except GatewayError as error:
            exchange.refuse(error)

    def _admit(self, exchange: ForwardedExchange) -> None:
        rules = exchange.rules
        if exchange.method == "OPTIONS" and rules.has_cors and answers_preflight(exchange):
            return
        judged = rules.judged.get((exchange.method, exchange.target, exchange.host))
        if judged is None:
            judged = self._judge(exchange)
            if judged is None:
                return  # an endpoint of ours answers
        route, anonymous, exchange.path = judged
        exchange.route = route
        exchange.refuse_as = route.refuse
        exchange.body_limit = route.body_limit
        if exchange.content_length > 0 or exchange.held is not None:
            exchange.check_body_limit()
        if route.rpc is not None:
            self.read_rpc(exchange, route, route.rpc)
            return
        if exchange.query or exchange.referer is not None:
            read_url_token(exchange, route)
        if route.form_tokens and exchange.may_carry_form:
            self._suspend(exchange)
            self._run(exchange, self._with_form(exchange, route, anonymous=anonymous))
            return
        self._identify(exchange, route, anonymous=anonymous)

    def _judge(self, exchange: ForwardedExchange) -> Judged | None:
        """Where this method, path and host lead; remembered without the query, which may hold a token."""
        rules, method = exchange.rules, exchange.method
        if asks_verdict(exchange.target):
            self.verify(exchange, rules.forward_auth)
            return None
        host = asked_host(exchange)
        if method in REFUSED_METHODS:
            exchange.keep_alive = exchange.keep_alive and method != "CONNECT"
            raise MethodNotAllowed(method)
        raw_path, exchange.query = split_target(exchange.target, host)
        judged = rules.judged.get((method, raw_path, exchange.host)) if exchange.query else None
        if judged is not None:
            return judged
        target = rules.table.resolve(raw_path)
        if target.endpoints:
            exchange.refuse_as = rules.endpoint_owner[next(iter(target.endpoints[0][1].values()))].refuse
            exchange.cors = endpoint_cors(rules, target.endpoints, host)
            handler = rules.table.endpoint(target, method, host)
            if handler is not None:
                endpoint = rules.endpoint_owner[handler]
                exchange.path = target.path
                exchange.refuse_as = endpoint.refuse
                exchange.endpoint_login = endpoint.login
                self._suspend(exchange)
                self._run(exchange, serve_endpoint(exchange, handler))
                return None
            exchange.refuse_as = rules.refuse
        route, anonymous = rules.table.select(target, method, host)
        judged = (route, anonymous, target.path)
        # Not without a Host: what HTTP/1.0 may leave out, HTTP/1.1 may not.
        if len(raw_path) <= LONGEST_MEMO and host:
            if len(rules.judged) >= MOST_MEMOS:
                rules.judged.clear()
            rules.judged[method, raw_path, exchange.host] = judged
        return judged

    def _identify(self, exchange: ForwardedExchange, route: Route, *, anonymous: bool) -> None:
        if route.public:
            exchange.verified = route.authenticator.foreign(exchange)
            self._forward(exchange, route, exchange.verified)
            return
        verified = route.authenticator.identify(exchange, anonymous=anonymous)
        if verified is COLD:
            self._suspend(exchange)
            self._run(exchange, self._identify_cold(exchange, route, anonymous=anonymous))
            return
        exchange.verified = verified
        self._forward(exchange, route, verified)

    def _forward(self, exchange: ForwardedExchange, route: Route, verified: Verified) -> None:
        if route.requirements is not None:
            route.requirements.check(verified)
        if route.rate_limit is not None and exchange.credential is None:  # else it comes by a second time
            route.rate_limit.count(exchange, verified)
        exchange.response_timeout = route.response_timeout
        exchange.idle_timeout = route.idle_timeout
        upstream = route.upstream
        if upstream.erp is not None and not self.has_credential(exchange, upstream.erp, verified):
            return
        exchange.upstream_name = upstream.name
        server = upstream.choose()
        connection = server.take()
        if connection is None:
            self._suspend(exchange)
            self._run(exchange, self._connect(exchange, route, server))
            return
        exchange.start_upstream(connection, upstream_head(exchange, route, verified, server))

    # -- the same, where something has to be waited for ---------------------------------------------------------

    async def _identify_cold(self, exchange: ForwardedExchange, route: Route, *, anonymous: bool) -> None:
        try:
            verified = await route.authenticator.identify_cold(exchange, anonymous=anonymous)
            exchange.verified = verified
            if verified.identity.method == "cookie":
                await route.authenticator.slide(exchange, verified)
            if not exchange.over:
                self._forward(exchange, route, verified)
        except GatewayError as error:
            exchange.refuse(error)

    async def _with_form(self, exchange: ForwardedExchange, route: Route, *, anonymous: bool) -> None:
        try:
            await read_form_token(exchange, route)
            if not exchange.over:
                self._identify(exchange, route, anonymous=anonymous)
        except GatewayError as error:
            exchange.refuse(error)

    async def _connect(self, exchange: ForwardedExchange, route: Route, server: Server) -> None:
        """Open a connection and send; a server that refuses has not received anything, so another may be tried."""
        try:
            try:
                connection = await server.connect()
            except GatewayError:
                others = route.upstream.choose(without=server) if len(route.upstream.servers) > 1 else server
                if others is server:
                    raise
                server = others
                connection = server.take() or await server.connect()
            if exchange.over:
                server.release(connection)
                return
            exchange.start_upstream(connection, upstream_head(exchange, route, exchange.verified, server))
        except GatewayError as error:
            exchange.refuse(error)

    def retry(self, exchange: ForwardedExchange) -> None:
        """A reused connection was closed before a byte of answer: once more, on a fresh one."""
        route = exchange.route
        assert route is not None
        try:
            server = route.upstream.choose()
        except GatewayError as error:
            exchange.refuse(error)
            return
        self._run(exchange, self._connect(exchange, route, server))

    def switch(self, exchange: ForwardedExchange, fields: Fields, upstream: UpstreamConnection, rest: bytes) -> None:
        """The upstream agreed to an upgrade: from now on bytes go both ways."""
        open_tunnel(self, exchange, fields, upstream, rest)

    def _run(self, exchange: ForwardedExchange, work: Coroutine[Any, Any, None]) -> None:
        """Go on with an exchange in a task; whatever goes wrong there, the exchange gets an answer."""

        def done(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (defect := task.exception()) is not None:
                log.error("exchange failed", exc_info=defect)
                exchange.refuse(GatewayError(type(defect).__name__))

        exchange.task = spawn(work, name="exchange")
        exchange.task.add_done_callback(done)

    def _suspend(self, exchange: ForwardedExchange) -> None:
        exchange.client.arm(phases.NOTHING, 0)
        if not exchange.request_done and exchange.has_body:
            exchange.client.hold(UNDECIDED)

    def new_request_id(self) -> bytes:
        """Unique over processes and restarts; not a secret."""
        return b"%b%x" % (self._prefix, next(self._ids))
