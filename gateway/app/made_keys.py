"""API keys as an operator makes, lists and ends them."""

from collections.abc import Collection, Sequence
from math import inf

from gateway.admin.control import KeyView
from gateway.config.schema import Config
from gateway.config.values import read_line
from gateway.errors import BadRequest
from gateway.model import Clock, TokenKind
from gateway.state.key_records import KeyRecords
from gateway.state.records import TokenKnown, TokenRecord
from gateway.tokens.made_keys import key_id_of, key_session, routes_of, session_id_of
from gateway.tokens.opaque import mint_api_key, token_hash

_LONGEST_NAME = 256
"""Characters; as for names that log in. It goes out with every request."""
_LATEST_END = 36_500 * 86400.0
"""Seconds from now, a hundred years: what is later is a typing mistake, and too large for the store."""


async def listed(records: KeyRecords) -> Sequence[KeyView]:
    """All that are live. Raises StoreUnavailable."""
    return [
        KeyView(
            key_id_of(session),
            session.user,
            session.roles,
            session.scopes,
            sorted(routes_of(session)),
            session.created,
            None if session.absolute_expiry == inf else session.absolute_expiry,
        )
        for session in await records.listed()
    ]


async def make(records: KeyRecords, config: Config, wanted: KeyView, clock: Clock) -> str:
    """A new key. Raises BadRequest, which says what to change, or StoreUnavailable."""
    now = clock()
    _check(wanted, config, now)
    key = _mint(wanted.id)
    session = key_session(
        wanted.id,
        wanted.user,
        created=now,
        expires_at=inf if wanted.expires is None else wanted.expires,
        roles=tuple(wanted.roles),
        scopes=tuple(wanted.scopes),
        routes=tuple(wanted.routes),
    )
    try:
        await records.add(session, TokenRecord(token_hash(key.encode()), TokenKind.API_KEY, session.absolute_expiry))
    except TokenKnown:
        raise BadRequest(f'there is a key "{wanted.id}", or there was one: an id is used once') from None
    return key


async def revoke(records: KeyRecords, key_id: str) -> bool:
    """End a key on every worker of every gateway; False if there was none. Raises StoreUnavailable."""
    return await records.end(session_id_of(key_id), "revoked by an operator")


def _check(wanted: KeyView, config: Config, now: float) -> None:
    if any(declared.id == wanted.id for declared in config.api_keys):
        raise BadRequest(f'"{wanted.id}" is the id of a key in the configuration')
    for name in (wanted.user, *wanted.roles, *wanted.scopes):
        _check_name(name)
    if wanted.expires is not None and not now < wanted.expires:
        raise BadRequest("the key would have expired already")
    if wanted.expires is not None and wanted.expires > now + _LATEST_END:
        raise BadRequest("the key would end in more than a hundred years; one that never ends has no such date")
    _check_routes(wanted.routes, {route.name for route in config.routes if "api_key" in route.credentials})


def _check_name(name: str) -> None:
    """Raises BadRequest for what could not stand in the configuration either, or is no text that can be encoded."""
    try:
        read_line(name).encode()
    except UnicodeEncodeError:
        raise BadRequest("a name holds characters that are no text") from None
    except ValueError as error:
        raise BadRequest(f"a name {error}") from None
    if len(name) > _LONGEST_NAME:
        raise BadRequest(f"a name is longer than {_LONGEST_NAME} characters")


def _check_routes(routes: Collection[str], known: Collection[str]) -> None:
    for name in routes:
        if name not in known:
            raise BadRequest(f'no route named "{name}" takes API keys')


def _mint(key_id: str) -> str:
    try:
        return mint_api_key(key_id)
    except ValueError as error:
        raise BadRequest(str(error)) from None
