"""The session cookies of logins: which count on a route, who may send them, and what of them an ERP never sees."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from gateway.authn.sources.base import Presented
from gateway.errors import Forbidden
from gateway.model import CookieRule
from gateway.tokens.cache import Verified
from gateway.tokens.cookies import without_cookie

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110, section 9.2.1, without TRACE, which is refused."""


@dataclass(frozen=True, slots=True)
class CookieLogin:
    """A login that hands out a session cookie."""

    name: str
    rule: CookieRule
    slide: Callable[[Verified], Awaitable[float]]
    """Lets a session live on from its use; its new end."""

    @property
    def unwritten(self) -> float:
        """Seconds that a session has left at least while its use need not be written: 99 hundredths of its life."""
        return 0.99 * self.rule.max_age


class OwnCookies:
    """All cookies that logins hand out: no ERP ever sees one, dead or alive, and none sets one."""

    def __init__(self, names: Iterable[bytes], is_ours: Callable[[bytes], bool]) -> None:
        self.names = frozenset(names)
        self._is_ours = is_ours

    def cut(self, header: bytes) -> bytes | None:
        """A Cookie header without ours; None where nothing is left."""
        left: bytes | None = header
        for name in self.names:
            left = None if left is None else without_cookie(left, name, self._is_ours)
        return left


@dataclass(frozen=True, slots=True)
class CookieUse:
    """What a route knows of session cookies."""

    logins: tuple[CookieLogin, ...] = ()
    """Those whose cookie may count, before the route's own list of logins is applied."""
    own: OwnCookies | None = None
    origins: frozenset[bytes] = frozenset()
    """Sites whose pages may send the cookie with unsafe requests, besides the one that was asked."""


NO_COOKIES = CookieUse()
"""No login hands out any."""


def refuse_other_sites(request: Presented, origins: frozenset[bytes]) -> None:
    """Raise Forbidden where another site may have made a browser send what changes something (CWE-352).

    A request without both headers comes from no browser that is in use. A body is none that a browser sends with GET.
    """
    if request.method in SAFE_METHODS and request.upgrade is None and not request.has_body:
        return
    site, origin = request.fetch_site, request.origin
    if site in {b"same-origin", b"none"}:
        return
    if origin is None and site is None:
        return
    if origin is not None and (origin == request.own_origin or origin in origins):
        return
    raise Forbidden("a cookie on an unsafe request that another site may have made")
