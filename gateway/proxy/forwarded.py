"""Who the client is, seen through trusted proxies, and the X-Forwarded-* and Forwarded headers the ERP gets."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.errors import BadRequest
from gateway.proxy.head import RequestHead

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MEMO = 64
"""Host names remembered for each connection; browsers and clients use one."""


def parse_address(text: str) -> Address | None:
    """An IP address, also with a port or in brackets as X-Forwarded-For may carry it; None for anything else."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # Without a zone: it means nothing elsewhere, and `ip_address` takes any text for one.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    """Whether `address` is in one of the networks of `server.trusted_proxies`."""
    return any(address in network for network in trusted)


def asked_host(head: RequestHead) -> bytes:
    """The Host header; empty where HTTP/1.0 leaves it out. Raises BadRequest."""
    host = head.host
    if host is None:
        if head.http11:
            raise BadRequest("no Host header")  # RFC 9112, section 3.2
        return b""
    if host and not is_host(host):
        raise BadRequest("the Host header is not a host")
    return host


class Peer:
    """The other end of a client connection: fixed for its life, so that most of the work is done once."""

    __slots__ = ("_blocks", "_trusted_networks", "address", "scheme", "trusted")

    def __init__(self, address: str, *, secure: bool, trusted_networks: Sequence[Network]) -> None:
        parsed = parse_address(address)
        self.address = str(parsed) if parsed else ""
        self.scheme = b"https" if secure else b"http"
        self.trusted = parsed is not None and is_trusted(parsed, trusted_networks)
        self._trusted_networks = trusted_networks
        self._blocks: dict[bytes, bytes] = {}

    def client_address(self, head: RequestHead) -> str:
        """The rightmost hop that is not a trusted proxy: the only one whose word has been checked."""
        if not self.trusted or head.forwarded_for is None:
            return self.address
        return self._believed_hops(head)[0]

    def client_scheme(self, head: RequestHead) -> bytes:
        """`https` or `http` between the client and the first proxy that is ours."""
        if self.trusted and head.forwarded_proto in {b"http", b"https"}:
            return head.forwarded_proto
        return self.scheme

    def client_host(self, head: RequestHead) -> bytes:
        """The host and port that the client asked, as far as it can be believed."""
        if self.trusted and head.forwarded_host is not None and is_host(head.forwarded_host):
            return head.forwarded_host
        return head.host or b""

    def headers_for(self, head: RequestHead) -> bytes:
        """X-Forwarded-For, -Proto, -Host and Forwarded (RFC 7239), as whole header lines."""
        host = head.host or b""
        if not self.trusted:
            block = self._blocks.get(host)
            if block is None:
                block = _block([self.address], self.scheme, host)
                if len(self._blocks) < MEMO:
                    self._blocks[host] = block
            return block
        return _block(self._believed_hops(head), self.client_scheme(head), self.client_host(head))

    def _believed_hops(self, head: RequestHead) -> list[str]:
        """From the client to the last proxy. What stands further left is only the client's own claim."""
        hops = [self.address]
        for hop in reversed((head.forwarded_for or b"").decode("latin-1").split(",")):
            parsed = parse_address(hop)
            if parsed is None:
                break
            hops.insert(0, str(parsed))
            if not is_trusted(parsed, self._trusted_networks):
                break
        return hops


def is_host(value: bytes) -> bool:
    """A Host value that means the same to everyone: a name or address and perhaps a port (RFC 3986 section 3.2)."""
    return host_name(value) is not None


def host_name(value: bytes) -> bytes | None:
    """The lower-case name without port or trailing dot, for matching; None if `value` is not a plain host."""
    name = _HOSTS.get(value)
    if name is None and value not in _HOSTS:
        name = _read_host(value)
        if len(_HOSTS) < 4096 and len(value) <= LONGEST_HOST:
            _HOSTS[value] = name
    return name


LONGEST_HOST = 255
"""Bytes: a name has 253 at most (RFC 1035, section 2.3.4), and hosts are remembered in several places."""
_HOSTS: dict[bytes, bytes | None] = {}
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-._")


def _read_host(value: bytes) -> bytes | None:
    if len(value) > LONGEST_HOST:
        return None
    name, port = value.lower(), b""
    if name.startswith(b"["):
        name, bracket, rest = name[1:].partition(b"]")
        if not bracket or (rest and not rest.startswith(b":")) or not _is_ipv6(name):
            return None
        port, name = rest[1:], b"[" + name + b"]"
    else:
        name, _, port = name.partition(b":")
        if not name or not _NAME.issuperset(name):
            return None
    if port and not (port.isdigit() and len(port) <= 5):
        return None
    return name.rstrip(b".") or None


def _is_ipv6(name: bytes) -> bool:
    """An address as it stands between brackets: quotes or a zone would end the value of `Forwarded`."""
    try:
        return IPv6Address(name.decode("latin-1")).scope_id is None
    except ValueError:
        return False


def _block(hops: Sequence[str], scheme: bytes, host: bytes) -> bytes:
    elements = [f'for="[{hop}]"' if ":" in hop else f"for={hop or 'unknown'}" for hop in hops]
    elements[0] += f";proto={scheme.decode()}"
    if host:
        elements[0] += f';host="{host.decode("latin-1")}"'
    lines = [
        b"X-Forwarded-For: " + ", ".join(hops).encode(),
        b"X-Forwarded-Proto: " + scheme,
        b"X-Forwarded-Host: " + host,
        b"Forwarded: " + ", ".join(elements).encode("latin-1"),
    ]
    return b"\r\n".join(lines) + b"\r\n"
