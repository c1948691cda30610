"""Odoo's session ids: 84 characters of base64url, of 63 bytes that end in a MAC of ours."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from gateway.model import Session, TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyRing
from gateway.tokens.opaque import MacBytes

_RANDOM_BYTES: Final = 47
_MAC_BYTES: Final = 16
_SESSION_ID: Final = re.compile(rb"[A-Za-z0-9_-]{84}")
_LABELS: Final = {kind: f"odoo {kind.value}".encode() for kind in TokenKind}
_NOBODYS: Final = b"odoo nobody"
"""Label of the ids that a browser is given when it logs out: no session ever has one, and no store is asked for it."""


class SessionIds:
    """A TokenFormat. The access token is the cookie; 63 bytes leave no spare bits, so an id has one spelling."""

    def __init__(self, ring: KeyRing) -> None:
        self.login = ring.login
        self._bytes = MacBytes(ring.secrets("session_id", 32), _RANDOM_BYTES, _MAC_BYTES)

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:  # noqa: ARG002 - the seam's
        """A new id: 376 random bits."""
        return self._written(_LABELS[kind])

    def nobodys(self) -> str:
        """An id that looks like all others and opens nothing."""
        return self._written(_NOBODYS)

    def recognise(self, token: bytes, now: float) -> Recognised | None:  # noqa: ARG002 - the seam's signature
        """What the id is for; ids tell neither their session nor their end."""
        if _SESSION_ID.fullmatch(token) is None:
            return None
        raw = urlsafe_b64decode(token)
        return next((Recognised(kind) for kind, label in _LABELS.items() if self._bytes.is_for(raw, label)), None)

    def is_ours(self, token: bytes) -> bool:
        """Also those of nobody, and those that were padded on the way."""
        bare = token.rstrip(b"=")
        if self.recognise(bare, 0) is not None:
            return True
        return _SESSION_ID.fullmatch(bare) is not None and self._bytes.is_for(urlsafe_b64decode(bare), _NOBODYS)

    def fits(self, recognised: Recognised, session: Session) -> bool:  # noqa: ARG002 - the seam's signature
        """Nothing in an id contradicts any session."""
        return True

    def _written(self, label: bytes) -> str:
        return urlsafe_b64encode(self._bytes.make(label)).decode("ascii")
