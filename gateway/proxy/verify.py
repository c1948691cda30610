"""The gate's steps for forward-auth: the same decision as for a request of its own, told to another proxy as a status.

Decided by the same parts, in the same order; what stands in a body cannot be judged here, so it is refused.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

from gateway.authn.authenticator import COLD, FOREIGN, NOBODY
from gateway.errors import Forbidden, GatewayError, NotFound, Unavailable
from gateway.model import Call, Headers, Reply
from gateway.proxy.calls import call_of
from gateway.proxy.erp_steps import as_told
from gateway.proxy.forward_auth import (
    URI_HEADER,
    Asked,
    ForwardAuth,
    asks_refusal,
    asks_verdict,
    judge_question,
    read_original,
    verdict_status,
)
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.headers import drop, fold
from gateway.proxy.outbound import credential_lines, sent_cookie
from gateway.proxy.route import Refuse, RefuseByRequest, Route
from gateway.proxy.url_token_rules import read_url_token
from gateway.routing.paths import split_target, strip_prefix
from gateway.tokens.cache import Verified
from gateway.upstream.injectors.erp_session import ErpSessionInjector

_REPLACED = (b"authorization", b"x-api-key", b"cookie", b"referer")
"""Where credentials of ours may stand: what a 200 does not name of these, the ERP must not get."""
_FORM = b"application/x-www-form-urlencoded"


class VerifySteps(ABC):
    """Mixed into the gate, which owns the steps named here."""

    @abstractmethod
    def _suspend(self, exchange: ForwardedExchange) -> None: ...

    @abstractmethod
    def _run(self, exchange: ForwardedExchange, work: Coroutine[Any, Any, None]) -> None: ...

    def verify(self, exchange: ForwardedExchange, forward_auth: ForwardAuth) -> None:
        """Tell the verdict on another request; the body of this one is never read. Raises what refuses it.

        For a peer that is not trusted there is nothing at this address.
        """
        rules = exchange.rules
        if not exchange.client.peer.trusted:
            raise NotFound("forward-auth is for trusted proxies only")
        verdict = _Verdict(exchange, forward_auth)
        exchange.refuse_as = verdict.spelled(rules.refuse)
        judge_question(exchange.target)
        original = read_original(exchange.fields)
        verdict.method = original.method
        asked = verdict.asked = Asked(original, exchange, exchange.client.peer)
        exchange.target = original.uri
        raw_path, asked.query = split_target(original.uri, original.host)
        target = rules.table.resolve(raw_path)
        exchange.path = asked.path = target.path
        if target.endpoints and rules.table.endpoint(target, original.method, original.host) is not None:
            raise Forbidden("an endpoint of a login: the asking proxy sends those to the gateway")
        route, anonymous = rules.table.select(target, original.method, original.host)
        exchange.route = route
        exchange.refuse_as = verdict.spelled(route.refuse)
        _refuse_unseen(asked, route)
        _refuse_aliases(exchange, route)
        query = asked.query
        if query or asked.referer is not None:
            read_url_token(asked, route)
            exchange.url_token = asked.url_token
            if query != asked.query and not forward_auth.rewritten_uri:
                raise Forbidden("a credential in a URI that goes on as it came")
        self._identify_asked(verdict, route, anonymous=anonymous)

    def _identify_asked(self, verdict: "_Verdict", route: Route, *, anonymous: bool) -> None:
        exchange, asked = verdict.exchange, verdict.asked
        if route.public:
            self._allow(verdict, route, route.authenticator.foreign(asked))
            return
        verified = route.authenticator.identify(asked, anonymous=anonymous)
        if verified is COLD:
            self._suspend(exchange)
            self._run(exchange, self._identify_asked_cold(verdict, route, anonymous=anonymous))
            return
        self._allow(verdict, route, verified)

    async def _identify_asked_cold(self, verdict: "_Verdict", route: Route, *, anonymous: bool) -> None:
        exchange, asked = verdict.exchange, verdict.asked
        try:
            verified = await route.authenticator.identify_cold(asked, anonymous=anonymous)
            exchange.verified = verified
            if verified.identity.method == "cookie":
                await route.authenticator.slide(asked, verified)
            self._allow(verdict, route, verified)
        except GatewayError as error:
            exchange.refuse(error)

    def _allow(self, verdict: "_Verdict", route: Route, verified: Verified) -> None:
        exchange = verdict.exchange
        exchange.verified = verified
        if route.requirements is not None:
            route.requirements.check(verified)
        if route.rate_limit is not None:
            route.rate_limit.count(exchange, verified)
        erp = route.upstream.erp
        if erp is not None and verified is not NOBODY and verified is not FOREIGN:
            exchange.credential = erp.ready(verified.identity)
            if exchange.credential is None:
                self._suspend(exchange)
                self._run(exchange, self._fetch_and_tell(verdict, route, erp))
                return
        verdict.tell(route)

    async def _fetch_and_tell(self, verdict: "_Verdict", route: Route, erp: ErpSessionInjector) -> None:
        exchange = verdict.exchange
        try:
            exchange.credential = await erp.fetch(exchange.verified.identity)
            verdict.tell(route)
        except GatewayError as error:
            exchange.refuse(as_told(error, route, verdict.asked))


class _Verdict:
    """One answer in the making."""

    asked: Asked
    method = ""

    def __init__(self, exchange: ForwardedExchange, forward_auth: ForwardAuth) -> None:
        self.exchange = exchange
        self._rules = forward_auth
        self._bodyless = exchange.method == "HEAD"
        self._refusal_only = asks_refusal(exchange.target)

    def spelled(self, refuse: Refuse) -> Refuse:
        """A dialect's refusals, under a status that every proxy understands."""

        def spell(error: GatewayError, request_id: str) -> Reply:
            if self._refusal_only and isinstance(refuse, RefuseByRequest):
                reply = refuse.by_request(error, self._call())
            else:
                reply = refuse(error, request_id)
            self._log_original()
            status = reply.status if self._refusal_only else verdict_status(error, self._rules)
            return Reply(status, b"" if self._bodyless else reply.body, reply.headers)

        return spell

    def tell(self, route: Route) -> None:
        """The 200: who calls, and what the ERP gets in place of what the client sent.

        Raises UnsafePath, and Unavailable where only a refusal was asked for and there is none any more.
        """
        exchange = self.exchange
        if exchange.over:
            return
        if self._refusal_only:
            raise Unavailable("the verdict has changed since it was asked for")
        headers = self._headers(route)
        self._log_original()
        exchange.reply(Reply(200, headers=headers))

    def _call(self) -> Call:
        """The original request, for a dialect that refuses a page otherwise than a call."""
        query = self.asked.query.decode("latin-1")
        return replace(call_of(self.exchange, b""), method=self.method, query=query)

    def _log_original(self) -> None:
        """The log tells of the request that was asked about. An answer to HEAD, or about it, has no body."""
        if self.method:
            self._bodyless = self._bodyless or self.method == "HEAD"
            self.exchange.method = self.method

    def _headers(self, route: Route) -> Headers:
        asked, verified, credential = self.asked, self.exchange.verified, self.exchange.credential
        told = [(b"Cache-Control", b"no-store")]
        told += self._uri(route)
        if verified is not NOBODY:
            told += self._identity(route, verified)
        if credential is not None and self._rules.injected_credential:
            told += _fields(credential.lines)
        else:
            credential = None
        cookie = sent_cookie(asked, self.exchange.rules.own_cookies, route, credential)
        referer = None if b"referer" in route.remove_headers else asked.referer
        if cookie is not None and b"cookie" not in self._rules.untold:
            told.append((b"Cookie", cookie))
        if referer is not None:
            told.append((b"Referer", referer))
        told += _fields(b"".join(route.set_headers))
        names = {name.lower() for name, _ in told}
        gone = [name for name in _REPLACED if name not in names]
        if gone:
            told.append((b"X-Envoy-Auth-Headers-To-Remove", b",".join(gone)))
        if asked.set_cookie is not None:
            told.append((b"Set-Cookie", asked.set_cookie))
        if asked.url_token is not None:
            told.append((b"Referrer-Policy", b"no-referrer"))
        return (*told, (b"X-Request-Id", self.exchange.request_id_text.encode()))

    def _uri(self, route: Route) -> Headers:
        """What the ERP is to be asked, where the asking proxy takes our word for it."""
        asked = self.asked
        path = strip_prefix(asked.path, route.strip_prefix) if route.strip_prefix else asked.path
        query = b"?" + asked.query if asked.query or asked.target[-1:] == b"?" else b""
        return ((URI_HEADER, path + query),) if self._rules.rewritten_uri else ()

    def _identity(self, route: Route, verified: Verified) -> Iterator[tuple[bytes, bytes]]:
        """Identity headers and assertion; a foreign credential; the injector's only where it may be told."""
        untold = self._rules.untold
        for name, value in _fields(credential_lines(self.asked, route, verified)):
            folded = fold(name)
            if folded in untold:
                continue
            if verified is FOREIGN or self._rules.injected_credential or folded not in route.owned_headers:
                yield name, value


def spell_unread(exchange: ForwardedExchange) -> None:
    """A request whose headers are refused before it is judged: if it asks for a verdict, it gets one."""
    if exchange.client.peer.trusted and asks_verdict(exchange.target):
        exchange.refuse_as = _Verdict(exchange, exchange.rules.forward_auth).spelled(exchange.rules.refuse)


def _fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Whole header lines as pairs."""
    parts = [line.partition(b": ") for line in lines.split(b"\r\n") if line]
    return [(name, value) for name, _, value in parts]


def _refuse_unseen(asked: Asked, route: Route) -> None:
    """Raise Forbidden where a credential may stand in the body, which nobody sends here."""
    if route.rpc is not None:
        raise Forbidden("the credential of an RPC stands in its body")
    if route.form_tokens and (asked.content_type or b"").partition(b";")[0].strip().lower() == _FORM:
        raise Forbidden("a form may carry an access_token")


def _refuse_aliases(exchange: ForwardedExchange, route: Route) -> None:
    """Raise Forbidden for a name that an ERP may fold onto one of ours, and for one that only the injector writes.

    Here they cannot be dropped on their way, and the proxies that should have done so were late to learn it:
    CVE-2025-64484, CVE-2026-39858, CVE-2026-52845.
    """
    actions, owned = exchange.rules.request_actions, route.owned_headers
    for name, _ in exchange.fields:
        if b"_" in name or b"." in name:
            is_ours = actions[name] is drop or fold(name) in owned
        else:
            is_ours = bool(owned) and (lower := name.lower()) in owned and lower not in _REPLACED
        if is_ours or (actions.of_sessions and actions[name] in actions.of_sessions):
            raise Forbidden("a header that an ERP may take for one of ours, or that has a session of ours in it")
