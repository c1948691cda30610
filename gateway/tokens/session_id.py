"""Session ids: the store's own, and the public one that names a session and opens nothing."""

import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256


def new_session_id() -> str:
    """192 random bits for the store; never shown to anybody."""
    return secrets.token_urlsafe(24)


def public_id(session_id: str) -> str:
    """The id that lists, JWTs and logs may show: one-way, and no key of the store is made of it."""
    digest = sha256(b"public session id\0" + session_id.encode()).digest()
    return urlsafe_b64encode(digest[:18]).decode()
