"""The gate's steps for upstreams where each caller has a session of its own: get it, renew it where it has ended."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.authn.sources.base import Presented
from gateway.errors import CredentialsRejected, GatewayError, Unavailable
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.route import Route
from gateway.tokens.cache import Verified
from gateway.upstream.erp_credential import Credential
from gateway.upstream.injectors.erp_session import ErpSessionInjector


def brings_own(exchange: ForwardedExchange) -> bool:
    """The body holds all that the ERP asks for."""
    return exchange.route is not None and exchange.route.rpc is not None


class ErpSteps(ABC):
    """Mixed into the gate, which owns the steps named here."""

    @abstractmethod
    def _forward(self, exchange: ForwardedExchange, route: Route, verified: Verified) -> None: ...

    @abstractmethod
    def _suspend(self, exchange: ForwardedExchange) -> None: ...

    @abstractmethod
    def _run(self, exchange: ForwardedExchange, work: Coroutine[Any, Any, None]) -> None: ...

    def has_credential(self, exchange: ForwardedExchange, erp: ErpSessionInjector, verified: Verified) -> bool:
        """Put the caller's ERP session at hand; False: it is being fetched, and the exchange goes on by itself.

        An anonymous caller never borrows one. Raises Forbidden.
        """
        if exchange.credential is not None or verified is NOBODY or verified is FOREIGN or brings_own(exchange):
            return True
        exchange.credential = erp.ready(verified.identity)
        if exchange.credential is not None:
            return True
        self._suspend(exchange)
        self._run(exchange, self._fetch_credential(exchange, erp))
        return False

    async def _fetch_credential(self, exchange: ForwardedExchange, erp: ErpSessionInjector) -> None:
        try:
            exchange.credential = await erp.fetch(exchange.verified.identity)
            self._go_on(exchange)
        except GatewayError as error:
            exchange.refuse(as_told(error, exchange.route, exchange))

    def renew_credential(self, exchange: ForwardedExchange, erp: ErpSessionInjector, used: Credential) -> None:
        """The ERP says that `used` has ended: renew it and send the request again, once, if its body was kept."""
        self._suspend(exchange)
        self._run(exchange, self._replay(exchange, erp, used))

    async def _replay(self, exchange: ForwardedExchange, erp: ErpSessionInjector, used: Credential) -> None:
        is_whole = exchange.request_done and (exchange.kept is not None or not exchange.has_body)
        exchange.held, exchange.kept = exchange.kept, None  # for a refusal that echoes the body, too
        try:
            exchange.credential = await erp.renew(exchange.verified.identity, used)
            if not is_whole:
                raise Unavailable("the ERP session is renewed, but the body was not kept")
            exchange.replayed = True
            self._go_on(exchange)
        except GatewayError as error:
            exchange.refuse(as_told(error, exchange.route, exchange))

    def _go_on(self, exchange: ForwardedExchange) -> None:
        if not exchange.over:
            assert exchange.route is not None, "an exchange with a credential has a route"
            self._forward(exchange, exchange.route, exchange.verified)


def as_told(error: GatewayError, route: Route | None, request: Presented) -> GatewayError:
    """What a dialect says of a refused credential may be made of its text, which only the authenticator knows."""
    if isinstance(error, CredentialsRejected) and route is not None:
        return route.authenticator.of_request(request, error)
    return error
