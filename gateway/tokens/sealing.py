"""Seals a refresh's successor pair so that only the holder of the spent token can open it again."""

import json
import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Successors:
    """What a refresh handed out; the second use within the grace gets the very same."""

    access_token: str = field(repr=False)
    access_expires_at: float
    """Seconds since the epoch."""
    refresh_token: str = field(repr=False)


def seal(successors: Successors, spent: str, session_id: str) -> bytes:
    """AES-256-GCM under a key that HKDF derives from the spent token, bound to the session.

    The store keeps no more of the spent token than its hash, so whoever reads the store opens nothing.
    """
    plain = json.dumps([successors.access_token, successors.access_expires_at, successors.refresh_token]).encode()
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(spent)).encrypt(nonce, plain, session_id.encode())


def unseal(sealed: bytes, spent: str, session_id: str) -> Successors | None:
    """The successors; None if the bytes were sealed for another token or session."""
    nonce, box = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        access, expires_at, refresh = json.loads(AESGCM(_key(spent)).decrypt(nonce, box, session_id.encode()))
    except (InvalidTag, ValueError):
        return None
    return Successors(access, expires_at, refresh)


def _key(spent: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"erp-auth-gateway refresh successors").derive(spent.encode())
