"""API keys that are made while the gateway runs: sessions of their own, which one record of the store ends."""

from math import inf
from typing import Final

from gateway.model import Identity, Session, TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.opaque import api_key_id, mint_api_key

PROVIDER: Final = "@api_keys"
"""The identity provider of keys' users, who are nobody of a configured one: no configured name begins with @."""
_KEY_ID: Final = "key_id"
_ROUTES: Final = "routes"


def session_id_of(key_id: str) -> str:
    """The session of a key. Of an id that was used there will never be a second key: its tombstone remains."""
    return f"key-{key_id}"


def key_session(
    key_id: str,
    user: str,
    *,
    created: float,
    expires_at: float = inf,
    roles: tuple[str, ...] = (),
    scopes: tuple[str, ...] = (),
    routes: tuple[str, ...] = (),
) -> Session:
    """What is kept of a key besides its hash. `routes`: names of those that it opens; all if empty."""
    return Session(
        id=session_id_of(key_id),
        login="",
        provider=PROVIDER,
        user_id=user,
        user=user,
        created=created,
        absolute_expiry=expires_at,
        roles=roles,
        scopes=scopes,
        context={_KEY_ID: key_id, _ROUTES: list(routes)},
    )


def key_id_of(session: Session) -> str:
    """The id of the key whose session this is; empty for the session of a login."""
    return str(session.context[_KEY_ID]) if session.provider == PROVIDER else ""


def identity_of_key(session: Session) -> Identity:
    """Who a key speaks for. There is no session of a user behind it: an ERP is asked as the service account."""
    return Identity(
        provider=PROVIDER,
        user_id=session.user_id,
        user=session.user,
        method="api_key",
        roles=frozenset(session.roles),
        scopes=frozenset(session.scopes),
        key_id=key_id_of(session),
        key_routes=routes_of(session),
    )


def routes_of(session: Session) -> frozenset[str]:
    """Names of the routes that a key opens; empty for all."""
    return frozenset(session.context[_ROUTES])


class MadeKeyFormat:
    """`gwk_<id>_<secret>`, of no login. The checksum is looked at first, so that garbage costs no round trip."""

    login = ""

    def mint(self, kind: TokenKind, session: Session, now: float, expires_at: float) -> str:  # noqa: ARG002 - the seam's
        """A new key for this session."""
        return mint_api_key(key_id_of(session))

    def recognise(self, token: bytes, now: float) -> Recognised | None:  # noqa: ARG002 - a key does not tell its end
        """A key whose checksum is right."""
        key_id = api_key_id(token)
        return None if key_id is None else Recognised(TokenKind.API_KEY, {_KEY_ID: key_id})

    def is_ours(self, token: bytes) -> bool:
        """Whether it is a key that was made here, or anywhere else: it is nothing for an ERP."""
        return api_key_id(token) is not None

    def fits(self, recognised: Recognised, session: Session) -> bool:
        """Whether the session is that of the id in the key."""
        return key_id_of(session) == str(recognised.claims[_KEY_ID])
