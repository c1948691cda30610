"""What an endpoint reads and answers, and how a dialect reads credentials."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class CredentialReading:
    """How the routes behind a login read a credential, as clients of that login's ERP know it."""

    scheme_case_sensitive: bool = False
    """Only `Bearer` is the scheme; RFC 9110 knows no case."""
    bearer_is_strict: bool = True
    """One space between scheme and token; otherwise any white space around the token."""
    comma_cut: bool = False
    """What follows a comma in the header is dropped."""
    header_wins: bool = False
    """A Bearer beside an `access_token` parameter counts alone; otherwise the two are 400."""
    url_token_methods: frozenset[str] | None = frozenset(("GET", "HEAD"))
    """Methods whose `access_token` parameter counts where a route lists it; None: all."""
    url_token_in_form: bool = False
    """The parameter counts in a form, too."""
    tells_token: bool = False
    """Refusals are made from the refused token's text: `CredentialsRejected.presented` is set."""
    never_open: tuple[tuple[str, str], ...] = ()
    """Path patterns that no whitelist may open to everyone, each with the part of it that may be open (or "")."""
    preflight_status: int = 204
    """What a granted preflight is answered with, at the login's endpoints, too."""


@dataclass(frozen=True, slots=True)
class CookieRule:
    """The session cookie that a login hands out."""

    name: str
    max_age: int
    """Seconds."""
    path: str = "/"
    http_only: bool = True
    secure: bool = False
    same_site: str = ""
    """Empty: the attribute is left out."""
    header: str = ""
    """Lower-case name of a request header that says the same as the cookie; empty for none."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an endpoint: bytes in. `body` is complete and at most 64 KiB; it may hold a password (no repr)."""

    method: str
    path: str
    """The canonical path."""
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names; the first value of each."""
    body: bytes = field(repr=False)
    client_address: str = ""
    address_is_shared: bool = False
    """The address is a proxy's that is not trusted (it sends X-Forwarded-For): it stands for nobody knows how many."""
    secure: bool = False
    """The client's own connection (or what a trusted proxy says of it) is TLS."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in a dialect's bytes. Framing headers (Content-Length, Connection, Date) are added by the proxy."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Headers = field(default=(), repr=False)
    """Name and value pairs in wire order, Content-Type included where there is one."""
    failure: str = field(default="", compare=False)
    """For the log: what went wrong in the gateway or behind it; empty where nothing but the client's fault did."""


Handler = Callable[[Call], Awaitable[Reply]]
"""An endpoint of a login."""
