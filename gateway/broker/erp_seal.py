"""Seals ERP sessions for the store: AES-256-GCM, bound to the session, the identity provider and the key's name."""

import json
import os
from hashlib import sha256
from math import inf
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.model import ErpSession, Session

_NONCE_BYTES: Final = 12
_INFO: Final = b"erp-auth-gateway ERP sessions"


class ErpSeal:
    """One key, derived from `store.encryption_key`."""

    def __init__(self, secret: str) -> None:
        key = HKDF(hashes.SHA256(), 32, salt=None, info=_INFO).derive(secret.encode())
        self._cipher = AESGCM(key)
        self.key_name = sha256(_INFO + key).hexdigest()[:8]
        """Tells keys apart and nothing about them."""

    def seal(self, session: Session, erp: ErpSession) -> bytes:
        """The bytes for the store: key name, nonce, box."""
        plain = json.dumps(
            {
                "headers": erp.headers,
                "cookies": erp.cookies,
                "renew_at": None if erp.renew_at == inf else erp.renew_at,
                "secrets": dict(erp.secrets),
                "facts": dict(erp.facts),
            }
        ).encode()
        nonce = os.urandom(_NONCE_BYTES)
        return self.key_name.encode() + nonce + self._cipher.encrypt(nonce, plain, self._bound_to(session))

    def unseal(self, session: Session, sealed: bytes) -> ErpSession | None:
        """The ERP session; None if it was sealed for another session or provider, or under another key."""
        name, nonce, box = sealed[:8], sealed[8 : 8 + _NONCE_BYTES], sealed[8 + _NONCE_BYTES :]
        if name != self.key_name.encode():
            return None
        try:
            read: dict[str, Any] = json.loads(self._cipher.decrypt(nonce, box, self._bound_to(session)))
        except (InvalidTag, ValueError):
            return None
        return ErpSession(
            headers=tuple((name, value) for name, value in read["headers"]),
            cookies=tuple((name, value) for name, value in read["cookies"]),
            renew_at=inf if read["renew_at"] is None else float(read["renew_at"]),
            secrets=read["secrets"],
            facts=read["facts"],
        )

    def _bound_to(self, session: Session) -> bytes:
        return json.dumps([session.id, session.provider, self.key_name]).encode()
