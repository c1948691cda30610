"""`gateway explain`: what would become of a request, decided by the same parts as the real one, without forwarding."""

from collections.abc import Sequence
from typing import Any

from gateway.admin.control import Explanation, Step
from gateway.authn.authenticator import COLD, FOREIGN, NOBODY
from gateway.errors import BadRequest, GatewayError, MethodNotAllowed, StoreUnavailable
from gateway.model import Identity
from gateway.proxy.cors import Preflight, find_preflight
from gateway.proxy.forwarded import is_host
from gateway.proxy.gate import REFUSED_METHODS, Gate
from gateway.proxy.head import RequestHead
from gateway.proxy.headers import read_head
from gateway.proxy.route import Route, Rules
from gateway.proxy.rpc_steps import check_head
from gateway.proxy.url_token_rules import read_url_token
from gateway.routing.paths import split_target, strip_prefix
from gateway.tokens.cache import Verified


class Asked(RequestHead):
    """A request that exists only in a question."""

    __slots__ = ("set_cookie", "url_token")
    url_token: bytes | None
    set_cookie: bytes | None

    @property
    def own_origin(self) -> bytes:
        """Under the scheme that the question names: nobody has connected."""
        scheme = b"http://" if (self.origin or b"").startswith(b"http:") else b"https://"
        return scheme + (self.host or b"")


class _Answer:
    """Collects steps until the outcome is known."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.route = ""
        self.upstream = ""
        self.identity: dict[str, Any] = {}

    def step(self, part: str, verdict: str) -> None:
        self.steps.append(Step(part, verdict))

    def outcome(self, outcome: str, status: int = 0) -> Explanation:
        return Explanation(outcome, status, self.route, self.upstream, self.identity, tuple(self.steps))


async def explain(gate: Gate, method: str, target: str, headers: Sequence[tuple[str, str]]) -> Explanation:
    """Judge a request as if it had come in on the public listener. Raises StoreUnavailable for a cold token."""
    answer = _Answer()
    try:
        return await _judge(gate.rules, _asked(gate.rules, method, target, headers), answer)
    except StoreUnavailable:
        raise  # it cannot be known now
    except GatewayError as error:
        answer.step("refused", str(error))
        return answer.outcome("refuse", error.status)


def _asked(rules: Rules, method: str, target: str, headers: Sequence[tuple[str, str]]) -> Asked:
    fields = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]
    if not any(name.lower() == b"host" for name, _ in fields):
        fields.append((b"Host", b"localhost"))
    asked = Asked(method, target.encode("latin-1", "replace"), fields, keep_alive=True)
    asked.url_token = asked.set_cookie = None
    read_head(asked, rules.request_actions)
    return asked


async def _judge(rules: Rules, asked: Asked, answer: _Answer) -> Explanation:
    table, method, host = rules.table, asked.method, asked.host or b""
    if method in REFUSED_METHODS:
        raise MethodNotAllowed(method)
    if host and not is_host(host):
        raise BadRequest("the Host header is not a host")
    preflight = find_preflight(rules, asked) if rules.has_cors else None
    if preflight is not None:
        return _answered_preflight(preflight, answer)
    raw_path, asked.query = split_target(asked.target, host)
    target = table.resolve(raw_path)
    asked.path = target.path
    answer.step("path", f"judged and sent as {target.path.decode('latin-1')}")
    handler = table.endpoint(target, method, host) if target.endpoints else None
    if handler is not None:
        answer.step("endpoint", f"answered by login {rules.endpoint_owner[handler].login}")
        return answer.outcome("endpoint")
    route, anonymous = table.select(target, method, host)
    answer.route, answer.upstream = route.name, route.upstream.name
    answer.step("route", f"{route.name} ({route.pattern.text}) is the first that matches")
    verified = await _identify(asked, route, answer, anonymous=anonymous)
    answer.identity = _public(verified.identity)
    if route.requirements is not None and route.rpc is not None:
        answer.step("requirements", "asked of whoever the password belongs to")
    elif route.requirements is not None:
        route.requirements.check(verified)
        answer.step("requirements", "none for an anonymous caller" if verified is NOBODY else "met")
    path = strip_prefix(asked.path, route.strip_prefix) if route.strip_prefix else asked.path
    server = route.upstream.choose()
    answer.step("upstream", f"{method} {server.endpoint.origin}{path.decode('latin-1')}")
    return answer.outcome("forward")


def _answered_preflight(preflight: Preflight, answer: _Answer) -> Explanation:
    """What the gateway itself says to a browser that asks for a page of another origin. Raises Forbidden."""
    if preflight.route is not None:
        answer.route = preflight.route.name
    answer.step("cors", f"a preflight for {preflight.method.decode('ascii')}, which needs no credential")
    reply = preflight.cors.preflight(preflight.origin, preflight.method, preflight.headers)
    return answer.outcome("endpoint", reply.status)


async def _identify(asked: Asked, route: Route, answer: _Answer, *, anonymous: bool) -> Verified:
    if route.public:
        answer.step("credential", "none is judged: the route is public")
        return route.authenticator.foreign(asked)
    if route.rpc is not None:
        check_head(asked, route, route.rpc.source)
        answer.step("credential", f"in the body ({route.rpc.source.method}): the ERP judges the password of each call")
        return NOBODY
    read_url_token(asked, route)
    found = route.authenticator.identify(asked, anonymous=anonymous)
    verified = await route.authenticator.identify_cold(asked, anonymous=anonymous) if found is COLD else found
    if verified is NOBODY:
        answer.step("credential", "none, and the whitelist lets this method and path pass")
    elif verified is FOREIGN:
        answer.step("credential", "not of our making: the ERP judges it")
    else:
        answer.step("credential", f"{verified.identity.method}: valid")
    return verified


def _public(identity: Identity) -> dict[str, Any]:
    return {
        "user": identity.user,
        "user_id": identity.user_id,
        "provider": identity.provider,
        "login": identity.login,
        "roles": sorted(identity.roles),
        "scopes": sorted(identity.scopes),
        "tenant": identity.tenant,
    }
