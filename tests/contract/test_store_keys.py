"""API keys that were made: listed, and ended for good. On both servers."""

from math import inf

import pytest
from fakes.records import digest

from gateway.model import TokenKind
from gateway.state.key_records import KeyRecords
from gateway.state.records import FoundToken, Standing, TokenKnown, TokenRecord
from gateway.tokens.made_keys import key_session


@pytest.fixture
def keys(store):
    return KeyRecords(store)


def made(key_id, clock, **more):
    return key_session(key_id, "scanner", created=clock(), **more)


def record(name, expires_at=inf):
    return TokenRecord(digest(name), TokenKind.API_KEY, expires_at)


async def test_keys_are_listed_in_the_order_in_which_they_were_made(keys, clock):
    await keys.add(made("b", clock), record("b"))
    clock.advance(1)
    await keys.add(made("a", clock, expires_at=clock() + 60), record("a", clock() + 60))

    assert [session.id for session in await keys.listed()] == ["key-b", "key-a"]
    clock.advance(61)
    assert [session.id for session in await keys.listed()] == ["key-b"]


async def test_one_that_was_ended_is_neither_listed_nor_good_for_anything(keys, store, clock):
    await keys.add(made("a", clock), record("a"))
    assert isinstance(await store.judge_token(digest("a")), FoundToken)

    assert await keys.end("key-a", "revoked by an operator")

    assert await keys.listed() == []
    assert await store.judge_token(digest("a")) is Standing.REVOKED
    assert not await keys.end("key-a", "again")


async def test_an_id_is_used_once(keys, clock):
    await keys.add(made("a", clock), record("a"))
    with pytest.raises(TokenKnown):
        await keys.add(made("a", clock), record("other"))

    await keys.end("key-a", "revoked by an operator")

    with pytest.raises(TokenKnown):
        await keys.add(made("a", clock), record("third"))


async def test_the_end_of_every_session_is_that_of_every_key(keys, store, clock):
    await keys.add(made("a", clock), record("a"))

    await store.revoke_all("revoked by an operator")

    assert await keys.listed() == []
