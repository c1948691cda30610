"""The header lines that tell an upstream who calls: identity headers, assertion and the injected credential.

Made once for each identity and upstream and kept with the cached token, so that the warm path only looks them up.
"""

from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from urllib.parse import quote

from gateway.errors import Unavailable
from gateway.model import Identity
from gateway.tokens.cache import Verified
from gateway.upstream.injectors import Injector

_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_SAFE_IN_LIST = _SAFE.replace(",", "")

Sign = Callable[[Identity], str]
"""Makes an assertion about an identity: a short JWT."""


def header_value(text: str) -> str:
    """One line of visible ASCII. `%`, control characters and all beyond ASCII are percent-encoded as UTF-8.

    A name from a database may hold anything; a line end in it must not begin a header of its own (CWE-113).
    """
    return quote(text, safe=_SAFE).strip()


def list_value(items: Iterable[str]) -> str:
    """Several values in one header, sorted, joined by commas; a comma inside of one is percent-encoded."""
    return ",".join(sorted(quote(item, safe=_SAFE_IN_LIST) for item in items))


class IdentityLines:
    """The lines for one upstream."""

    def __init__(self, names: Mapping[str, str], injector: Injector) -> None:
        """`names`: what is told (user, user_id, roles, scopes, tenant, login, method) -> the header it is told in."""
        self._names = dict(names)
        self._injector = injector

    def __call__(self, verified: Verified) -> bytes:
        """Whole header lines. Raises Unavailable where the injector's credential is not at hand."""
        lines: bytes | None = verified.headers.get(self)
        if lines is None:
            lines = verified.headers[self] = self.make(verified.identity)
        return lines

    def make(self, identity: Identity) -> bytes:
        """The lines made anew; a header with nothing to say is left out."""
        told = {
            "user": header_value(identity.user),
            "user_id": header_value(identity.user_id),
            "roles": list_value(identity.roles),
            "scopes": list_value(identity.scopes),
            "tenant": header_value(identity.tenant),
            "login": header_value(identity.login),
            "method": identity.method,
        }
        lines = [f"{self._names[what]}: {value}\r\n" for what, value in told.items() if value]
        injected = self._injector.headers_for(identity)
        if injected is None:
            raise Unavailable("the ERP credential is not at hand")
        return "".join(lines).encode("ascii") + injected


class AssertingLines:
    """The same with an assertion, which is signed anew when half of its life is over."""

    def __init__(self, plain: IdentityLines, header: str, sign: Sign, ttl: float) -> None:
        """`ttl` in seconds."""
        self._plain = plain
        self._header = header
        self._sign = sign
        self._life = ttl / 2

    def __call__(self, verified: Verified) -> bytes:
        """Whole header lines, the assertion last."""
        now = monotonic()
        kept: tuple[bytes, float] | None = verified.headers.get(self)
        if kept is not None and now < kept[1]:
            return kept[0]
        identity = verified.identity
        lines = self._plain.make(identity) + f"{self._header}: {self._sign(identity)}\r\n".encode("ascii")
        verified.headers[self] = (lines, now + self._life)
        return lines
