"""What is still under way for a credential ends with it: tunnels, event streams, long downloads and uploads."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from time import perf_counter, time
from typing import TYPE_CHECKING

from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.errors import CredentialsRejected, GatewayError, Reason, StoreUnavailable
from gateway.model import spawn
from gateway.state.feed import Invalidation
from gateway.tokens.cache import Verified

if TYPE_CHECKING:
    from gateway.proxy.connection import ClientConnection
    from gateway.proxy.forwarding import ForwardedExchange
    from gateway.proxy.route import Route, Rules

LONG_SECONDS = 0.5
"""An exchange older than that is watched; a shorter one is over before a revocation could matter to it."""
REMEMBERED_SECONDS = 5.0
"""For how long a revocation is remembered for exchanges that are not watched yet: far longer than they can be that."""

Key = tuple[str, ...]


class Ongoing(ABC):
    """One exchange that lasts, and what becomes of it once nobody vouches for it any more."""

    def __init__(self, exchange: "ForwardedExchange") -> None:
        assert exchange.route is not None, "who was let through has a route"
        self.exchange = exchange
        self.authenticator = exchange.route.authenticator
        """Of the configuration in force."""
        self.unproved = False
        """The credential may have ended unheard: the store is to be asked."""
        self.keys = keys_of(exchange.verified)

    @abstractmethod
    def end(self, error: GatewayError | None = None) -> None:
        """Its credential is dead; `error` says why, where that is known."""

    def stop(self) -> None:  # noqa: B027 - nothing is what most do
        """The gateway stops; exchanges are cut with their connections."""

    def sweep(self, _epoch: float) -> None:
        """Called a few times a second, with the seconds since the epoch."""
        if self.unproved:
            self.unproved = False
            spawn(self.prove(), name="credential")

    async def prove(self) -> None:
        """Ask whether the credential still is what it was; without an answer, again at the next sweep."""
        exchange = self.exchange
        try:
            verified = None if exchange.verified.session_id else self.authenticator.identify(exchange, anonymous=False)
            if not isinstance(verified, Verified):  # no API key
                verified = await self.authenticator.identify_cold(exchange, in_outage=False)
        except StoreUnavailable:
            self.unproved = True
        except GatewayError as error:
            self.end(error)
        else:
            if verified.identity != exchange.verified.identity:
                # It has other rights, or its cookie counts no more and what is left of the request passes.
                self.end(CredentialsRejected("the credential has other rights now", reason=Reason.REVOKED))
            else:
                exchange.verified = verified


class LongExchange(Ongoing):
    """An upload, a download or an event stream. What the ERP is at work on may still be answered, shortly."""

    def __init__(self, exchange: "ForwardedExchange") -> None:
        super().__init__(exchange)
        self._revoked = False

    def end(self, error: GatewayError | None = None) -> None:
        exchange = self.exchange
        if exchange.over:
            return
        if exchange.answer_started:
            exchange.cut("its session was revoked")
        elif exchange.request_done:
            self._revoked = True
        elif error is None:
            self.unproved = True  # the store knows how to say it to this client
        else:
            exchange.refuse(error)

    def sweep(self, epoch: float) -> None:
        if self._revoked:
            self.end()
        super().sweep(epoch)


class OngoingExchanges:
    """All of one worker that last, by what can end them. The warm path does not know of it."""

    def __init__(self) -> None:
        self.watched: dict[ForwardedExchange, Ongoing] = {}
        self._by_key: dict[Key, set[Ongoing]] = {}
        self._heard: dict[Key, float] = {}
        """When something was revoked, by `time.perf_counter`."""
        self._rules: Rules | None = None
        """In force since the last reload; None before the first."""
        self._routes: dict[str, Route] = {}
        """Theirs, by name."""

    def watch(self, one: Ongoing) -> None:
        """End `one` with its credential, from now on and from when its request came."""
        self.watched[one.exchange] = one
        for key in one.keys:
            self._by_key.setdefault(key, set()).add(one)
        if self._rules is not None and one.exchange.rules is not self._rules:
            self._judge(one)  # the reload came before it was watched
        since = one.exchange.started
        if any(self._heard.get(key, 0.0) >= since for key in one.keys):
            one.end()
        elif self._heard.get(("reconnect",), 0.0) >= since:
            one.unproved = bool(one.exchange.verified.session_id)

    def forget(self, one: Ongoing) -> None:
        """It is over."""
        if self.watched.pop(one.exchange, None) is None:
            return
        for key in one.keys:
            siblings = self._by_key[key]
            siblings.discard(one)
            if not siblings:
                del self._by_key[key]

    def invalidate(self, event: Invalidation) -> None:
        """End what was revoked; after a reconnect of the feed, any may have been, unheard."""
        key = key_of(event)
        self._heard[key] = perf_counter()
        for one in tuple(self._by_key.get(key, ())):
            one.end()
        if event.kind == "reconnect":
            for one in self.watched.values():
                one.unproved = bool(one.exchange.verified.session_id)

    def reloaded(self, rules: "Rules") -> None:
        """Have each credential judged as the new configuration knows it: its key or user may be gone from there.

        A route that is gone vouches for nobody.
        """
        self._rules, self._routes = rules, {route.name: route for route in rules.table.routes}
        for one in list(self.watched.values()):
            self._judge(one)

    def sweep(self, connections: Iterable["ClientConnection"]) -> None:
        """Begin to watch what has become long, forget what is over, and ask the store where that is due."""
        now = perf_counter()
        long_since = now - LONG_SECONDS
        for connection in connections:
            exchange = connection.serving
            if exchange is not None and exchange.started < long_since and exchange not in self.watched:
                self._consider(exchange)
        epoch = time()
        for one in list(self.watched.values()):
            if one.exchange.over:
                self.forget(one)
            else:
                one.sweep(epoch)
        if self._heard:
            remembered = now - REMEMBERED_SECONDS
            self._heard = {key: moment for key, moment in self._heard.items() if moment > remembered}

    def stop(self) -> None:
        """The gateway stops."""
        for one in list(self.watched.values()):
            one.stop()

    def _judge(self, one: Ongoing) -> None:
        """Have its credential looked at as the rules in force know it."""
        if not one.keys:
            return
        route = self._routes.get(one.exchange.route.name) if one.exchange.route is not None else None
        if route is None:
            one.end(CredentialsRejected("the route is gone", reason=Reason.REVOKED))
        else:
            one.authenticator = route.authenticator
            one.unproved = True

    def _consider(self, exchange: "ForwardedExchange") -> None:
        """Those of anonymous callers, and those whose credential is part of the body, end by themselves."""
        route = exchange.route
        if exchange.over or route is None or route.rpc is not None or not keys_of(exchange.verified):
            return
        self.watch(LongExchange(exchange))


def keys_of(verified: Verified) -> tuple[Key, ...]:
    """Everything whose revocation ends this credential; nothing for an anonymous or a foreign one."""
    if verified is NOBODY or verified is FOREIGN:
        return ()
    identity = verified.identity
    keys: list[Key] = [("user", identity.provider, identity.user_id)]
    if verified.session_id:
        keys += [("session", verified.session_id), ("all",)]
    if verified.token_hash:
        keys.append(("token", verified.token_hash))
    if identity.tenant:
        keys.append(("tenant", identity.tenant))
    return tuple(keys)


def key_of(event: Invalidation) -> Key:
    """What an event ends, spelled as `keys_of` does."""
    match event.kind:
        case "session":
            return ("session", event.session_id)
        case "token":
            return ("token", event.token_hash)
        case "user":
            return ("user", event.provider, event.user_id)
        case "tenant":
            return ("tenant", event.tenant)
        case _:
            return (event.kind,)
