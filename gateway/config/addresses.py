"""Where things listen and are reached: listen addresses, origins, hosts and networks, checked and never re-parsed."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Only processes of this machine can connect."""
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an HTTP service; the port is always known."""

    scheme: str
    host: str
    """Lower case, without the brackets of an IPv6 address."""
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """The Host header for this origin: the port only where it is not the scheme's own (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """Reached through TLS."""
        return self.scheme == "https"


_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """`localhost` and the loopback addresses; any other name may resolve to anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_listen(value: object) -> Address:
    """`127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`. Raises ValueError."""
    if isinstance(value, Address):
        return value
    parts = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if not parts or int(parts[3]) > 65535:
        raise ValueError("must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, quoted")
    return Address(_ip(parts[1]) if parts[1] else read_host(parts[2]), int(parts[3]))


def read_host(value: object) -> str:
    """A host name or address without a port, in lower case. Raises ValueError."""
    host = value.lower() if isinstance(value, str) and value.isascii() else ""
    if host.startswith("["):
        return f"[{_ip(host[1:-1])}]" if host.endswith("]") else _no_host()
    if not _HOST.fullmatch(host):
        return _no_host()
    if _NUMERIC.fullmatch(host.rpartition(".")[2]):  # 127.1, 2130706433 and 0x7f.1 are names to some only
        return _ip(host)
    return host


def _no_host() -> str:
    raise ValueError("must be a host name or address without scheme, port or path")


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("holds a malformed IP address") from None


def read_origin(value: object) -> Origin:
    """`http://127.0.0.1:8069`: no path, query or user. Raises ValueError."""
    if isinstance(value, Origin):
        return value
    origin, path = _split_url(value)
    if path:
        raise ValueError("must be an origin such as http://127.0.0.1:8069, without a path")
    return origin


def read_public_url(value: object) -> str:
    """The URL that clients use, without a trailing slash; empty for the listen address. Raises ValueError."""
    if value == "":
        return ""
    origin, path = _split_url(value)
    return f"{origin}{path}"


def _split_url(value: object) -> tuple[Origin, str]:
    try:
        if not isinstance(value, str) or re.search(r"[\x00-\x20\x7f-\U0010ffff\\]", value):
            raise ValueError
        parts = urlsplit(value)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL such as https://erp.example.com") from None
    if scheme not in _PORTS or not host:
        raise ValueError("must be a URL that begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password")
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise ValueError("must not hold a query or a fragment")
    if port == 0:
        raise ValueError("names port 0")
    checked = _ip(host) if ":" in host else read_host(host)
    return Origin(scheme, checked, port or _PORTS[scheme]), parts.path.rstrip("/")


def read_network(value: object) -> Network:
    """A CIDR, or one address. Raises ValueError."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str) or value.isdigit():
        raise ValueError("must be a network such as 10.0.0.0/8, or an address")
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        meant = ip_network(value, strict=False)
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8, or an address") from None
    raise ValueError(f'has host bits set; did you mean "{meant}"?')


_spelled = PlainSerializer(str, when_used="json")
_TEXT = WithJsonSchema({"type": "string"})

Listen = Annotated[Address, BeforeValidator(read_listen), _spelled, _TEXT]
Server = Annotated[Origin, BeforeValidator(read_origin), _spelled, _TEXT]
PublicUrl = Annotated[str, BeforeValidator(read_public_url), _TEXT]
Host = Annotated[str, BeforeValidator(read_host), _TEXT]
TrustedNetwork = Annotated[Network, BeforeValidator(read_network), _spelled, _TEXT]
