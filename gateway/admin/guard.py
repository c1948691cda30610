"""Who may talk to the admin listener: the right Host header for everything, the admin token for API and console."""

import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from math import inf
from time import monotonic

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.admin.replies import refusal
from gateway.errors import GatewayError

API_PREFIX = "/api/"
QUIET_SECONDS = 1.0
"""In which one wrong token is told: whoever tries them must not fill the log."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:\[\]@/\\]+)(?::(\d{1,5}))?", re.IGNORECASE)
_log = logging.getLogger(__name__)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Checks each request before a handler sees it, and turns what a handler raises into a JSON answer."""

    def __init__(self, listen: str, hosts: Iterable[str], token: str, clock: Callable[[], float] = monotonic) -> None:
        """`listen` as configured (`127.0.0.1:8081`), `hosts` from `admin.hosts`; an empty token closes the API.

        `clock` in seconds.
        """
        host = listen.rpartition(":")[0]
        self._hosts = {"localhost", host.lower(), *(name.lower() for name in hosts)}
        self._any_address = host in {"0.0.0.0", "[::]"}  # noqa: S104 - recognised, not bound to
        self._digest = hashlib.sha256(token.encode()).digest() if token else b""
        self._clock = clock
        self._told_at, self._untold = -inf, 0

    @property
    def has_token(self) -> bool:
        """There is an admin token: API and console can be opened."""
        return bool(self._digest)

    def is_token(self, presented: str) -> bool:
        """Whether this is the admin token."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest()
        # Digests of equal length, compared in constant time: neither length nor prefix of the token shows.
        return hmac.compare_digest(digest, self._digest)

    def tell_wrong(self, request: web.Request) -> None:
        """Log that somebody has tried a token that is not the admin's.

        Nothing slows them: many connections outrun a delay of each, and one for all keeps the operator out. What keeps
        them out is the token's length.
        """
        now = self._clock()
        if now - self._told_at < QUIET_SECONDS:
            self._untold += 1
            return
        more = f"; {self._untold} more were not told" if self._untold else ""
        _log.warning("a wrong admin token from %s%s", request.remote, more)
        self._told_at, self._untold = now, 0

    @property
    def middleware(self) -> Middleware:
        """For `web.Application(middlewares=[…])`."""

        async def serve(request: web.Request, handler: Next) -> web.StreamResponse:
            return await self._serve(request, handler)  # aiohttp marks the function, which a bound method refuses

        return web.middleware(serve)

    async def _serve(self, request: web.Request, handler: Next) -> web.StreamResponse:
        try:
            return self._refuse(request) or await handler(request)
        except web.HTTPException as error:
            return _spell(error)
        except GatewayError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
            said = str(error) if error.status < 500 else error.public  # to the operator, who holds the token
            return refusal(error.status, error.code, said, headers)
        except Exception:  # noqa: BLE001 - an answer in JSON, whatever broke
            _log.exception("the admin listener could not answer %s %s", request.method, request.path)
            return refusal(500, "internal_error", "The gateway could not answer this request.")

    def _refuse(self, request: web.Request) -> web.StreamResponse | None:
        if not self._is_ours(request.headers.getall("Host", [])):
            return refusal(421, "misdirected_request", "This Host is not one that admin.listen or admin.hosts names.")
        if not request.path.startswith(API_PREFIX):
            return None
        if not self._digest:
            return refusal(403, "admin_api_off", "The admin API is off: set admin.token.")
        credentials = request.headers.getall("Authorization", [])
        if not self._knows(credentials):
            if credentials:
                self.tell_wrong(request)
            challenge = {"WWW-Authenticate": 'Bearer realm="admin"'}
            return refusal(401, "unauthorized", "The admin API needs the admin token as a Bearer token.", challenge)
        return None

    def _is_ours(self, hosts: list[str]) -> bool:
        """A page of another site reaches us only under that site's name (DNS rebinding), never under an address."""
        parts = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if not parts:
            return False
        name = parts[1].lower()
        return name in self._hosts or (self._any_address and _is_address(name.strip("[]")))

    def _knows(self, values: list[str]) -> bool:
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        return self.is_token(token) and scheme.lower() == "bearer"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _spell(error: web.HTTPException) -> web.StreamResponse:
    # A new answer: aiohttp's own carries text, and its instances must never be shared.
    code = HTTPStatus(error.status).name.lower()
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    return refusal(error.status, code, HTTPStatus(error.status).description or error.reason, headers)
