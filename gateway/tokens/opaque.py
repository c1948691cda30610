"""Opaque tokens and API keys: random bytes in a shape of ours, with a MAC or checksum that is looked at first.

33 bytes (24 random, 9 of HMAC-SHA256) make exactly 44 base64url characters: no padding and no spare bits, so a token
has one spelling only.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from gateway.model import TokenKind

_RANDOM_BYTES: Final = 24
_MAC_BYTES: Final = 9
_PREFIXES: Final = {
    TokenKind.ACCESS: b"gwa_",
    TokenKind.REFRESH: b"gwr_",
    TokenKind.PREAUTH: b"gwp_",
    TokenKind.APPLICATION: b"gwn_",
    TokenKind.URL: b"gwu_",
}
_KINDS: Final = {prefix: kind for kind, prefix in _PREFIXES.items()}
_TOKEN: Final = re.compile(rb"(gw[arpnu]_)([A-Za-z0-9_-]{44})")
_API_KEY: Final = re.compile(rb"(gwk_[A-Za-z0-9.-]{1,64}_)([A-Za-z0-9_-]{44})")
_OURS: Final = re.compile(rb"gw(?:[arpnu]|k_[A-Za-z0-9.-]{1,64})_[A-Za-z0-9_=-]{16,}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")


def looks_ours(value: str | bytes) -> bool:
    """Whether a value carries one of our shapes, damaged or not: such a value is never passed on to an ERP."""
    return _OURS.fullmatch(_as_bytes(value)) is not None


class MacBytes:
    """Random bytes that end in a truncated HMAC-SHA256: the first key makes them, all recognise them."""

    def __init__(self, keys: Sequence[bytes], random_bytes: int, mac_bytes: int) -> None:
        """At least 12 random bytes: no session is found by guessing. The MAC only saves asking the store."""
        self._keys = tuple(keys)
        self._random_bytes = random_bytes
        self._mac_bytes = mac_bytes

    def make(self, label: bytes) -> bytes:
        """New bytes. The label says what they are for and goes into the MAC alone."""
        random = secrets.token_bytes(self._random_bytes)
        return random + self._mac(self._keys[0], label, random)

    def is_for(self, raw: bytes, label: bytes) -> bool:
        """Whether these bytes were made with this label."""
        random, mac = raw[: self._random_bytes], raw[self._random_bytes :]
        return any(hmac.compare_digest(mac, self._mac(key, label, random)) for key in self._keys)

    def _mac(self, key: bytes, label: bytes, random: bytes) -> bytes:
        return hmac.digest(key, label + random, "sha256")[: self._mac_bytes]


class OpaqueTokens:
    """The opaque tokens of one login, in the gateway's own shapes."""

    def __init__(self, mac_keys: Sequence[bytes]) -> None:
        self._bytes = MacBytes(mac_keys, _RANDOM_BYTES, _MAC_BYTES)

    def mint(self, kind: TokenKind) -> str:
        """A new token: 192 random bits."""
        prefix = _PREFIXES[kind]
        return (prefix + urlsafe_b64encode(self._bytes.make(prefix))).decode()

    def kind_of(self, token: bytes) -> TokenKind | None:
        """What the token is for, or None if this login did not make it. No store is asked."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        prefix, body = match.groups()
        return _KINDS[prefix] if self._bytes.is_for(urlsafe_b64decode(body), prefix) else None


def mint_api_key(key_id: str) -> str:
    """A new API key `gwk_<id>_<secret>`. The checksum needs no secret: secret scanners can check it, too.

    Raises ValueError for an id that is not 1 to 64 of letters, digits, `.` and `-`.
    """
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError("an API key's id is 1 to 64 letters, digits, dots and hyphens")
    prefix = f"gwk_{key_id}_".encode()
    random = secrets.token_bytes(_RANDOM_BYTES)
    return (prefix + urlsafe_b64encode(random + _checksum(prefix, random))).decode()


def api_key_id(value: str | bytes) -> str | None:
    """The id inside a made API key, or None if the shape or the checksum is wrong."""
    match = _API_KEY.fullmatch(_as_bytes(value))
    if match is None:
        return None
    prefix, body = match.groups()
    raw = urlsafe_b64decode(body)
    if raw[_RANDOM_BYTES:] != _checksum(prefix, raw[:_RANDOM_BYTES]):
        return None
    return prefix[4:-1].decode()


def token_hash(token: bytes) -> str:
    """SHA-256 in hex: the only trace of a token that is ever stored."""
    return sha256(token).hexdigest()


def _checksum(prefix: bytes, random: bytes) -> bytes:
    return sha256(prefix + random).digest()[:_MAC_BYTES]


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace")
