"""Jmix's opaque tokens: 20 bytes in standard Base64, or 96 in base64url, that end in a MAC of ours."""

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Final

from gateway.model import Session, TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyRing
from gateway.tokens.opaque import MacBytes

_LABELS: Final = {kind: f"jmix {kind.value}".encode() for kind in TokenKind}
_ANY_SPELLING: Final = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


class JmixTokens:
    """A TokenFormat. What a token is for goes into its MAC alone: an access and a refresh token look alike."""

    def __init__(self, ring: KeyRing, *, random_bytes: int, mac_bytes: int, url_safe: bool) -> None:
        self.login = ring.login
        self._bytes = MacBytes(ring.secrets("jmix token", 32), random_bytes, mac_bytes)
        self._size = random_bytes + mac_bytes
        self._url_safe = url_safe

    @classmethod
    def of_generation_1(cls, ring: KeyRing, *, url_safe: bool) -> "JmixTokens":
        """28 characters with `+`, `/` and `=`, or 27 without: 96 random bits and a MAC of 64."""
        return cls(ring, random_bytes=12, mac_bytes=8, url_safe=url_safe)

    @classmethod
    def of_generation_2(cls, ring: KeyRing) -> "JmixTokens":
        """128 characters."""
        return cls(ring, random_bytes=80, mac_bytes=16, url_safe=True)

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:  # noqa: ARG002 - the seam's
        """A new token: random bytes that tell neither their session nor their end."""
        return self._written(self._bytes.make(_LABELS[kind])).decode("ascii")

    def recognise(self, token: bytes, now: float) -> Recognised | None:  # noqa: ARG002 - the seam's signature
        """What the token is for, if it is spelled as it was made: the spare bits of Base64 make no second spelling."""
        raw = self._read(token)
        if raw is None or self._written(raw) != token:
            return None
        kind = self._kind_of(raw)
        return None if kind is None else Recognised(kind)

    def is_ours(self, token: bytes) -> bool:
        """Also in the other alphabet, with or without padding."""
        raw = self._read(token)
        return raw is not None and self._kind_of(raw) is not None

    def fits(self, recognised: Recognised, session: Session) -> bool:  # noqa: ARG002 - the seam's signature
        """Nothing in a token contradicts any session."""
        return True

    def _kind_of(self, raw: bytes) -> TokenKind | None:
        return next((kind for kind, label in _LABELS.items() if self._bytes.is_for(raw, label)), None)

    def _read(self, token: bytes) -> bytes | None:
        """The bytes of a token of this size, in whatever spelling."""
        if not self._size <= len(token) <= 2 * self._size or _ANY_SPELLING.fullmatch(token) is None:
            return None
        bare = token.rstrip(b"=").translate(_TO_STANDARD)
        if len(bare) % 4 == 1:
            return None
        raw = b64decode(bare + b"=" * (-len(bare) % 4))
        return raw if len(raw) == self._size else None

    def _written(self, raw: bytes) -> bytes:
        return urlsafe_b64encode(raw).rstrip(b"=") if self._url_safe else b64encode(raw)
