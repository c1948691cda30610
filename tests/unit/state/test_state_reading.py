"""Reading: an answer that belongs to somebody else opens nothing, whatever went wrong on the wire."""

import pytest
from fakes.clock import Clock
from fakes.records import access, digest, session
from fakes.wire import ScriptedTopology

from gateway.errors import StoreUnavailable
from gateway.state.calls import Calls
from gateway.state.keys import Keys, Pointer, owner_tag, tenant_tag, write_time
from gateway.state.reading import Reads
from gateway.state.records import dump_session

CLOCK = Clock()


def pointer(session_id):
    return Pointer(session_id, owner_tag("staff", "101"), tenant_tag("GardenWorld"), CLOCK() + 900).dump().encode()


def row(session_id, token, *, named=None):
    """What HMGET answers for a session and one of its tokens."""
    whole = session(session_id, CLOCK)
    record = access(token, CLOCK)
    value = f"access {write_time(record.expires_at)} - {record.hash[:16]}".encode()
    return [(named or session_id).encode(), dump_session(whole).encode(), b"1800000000.0", None, value]


def reads_on(*answers):
    return Reads(Calls(ScriptedTopology(*answers), timeout=5.0), Keys("gw:"), CLOCK)


NO_MARKS = (None, None, None)


async def test_the_right_answers_find_the_token():
    found = await reads_on(pointer("s1"), row("s1", "a"), *NO_MARKS).find_token(digest("a"))

    assert (found.session.id, found.record) == ("s1", access("a", CLOCK))


async def test_a_cold_token_costs_two_round_trips():
    reads = reads_on(pointer("s1"), row("s1", "a"), *NO_MARKS)

    await reads.find_token(digest("a"))

    assert reads.calls.topology.rounds == 2
    assert [command[0] for command in reads.calls.topology.sent] == ["GET", "HMGET", "GET", "GET", "GET"]


@pytest.mark.parametrize(
    "answer",
    [row("s2", "a"), row("s1", "b"), row("s1", "a", named="s2"), row("s2", "a", named="s1")],
    ids=["another session", "another token", "another id", "another session's meta"],
)
async def test_an_answer_that_names_something_else_is_an_outage(answer):
    with pytest.raises(StoreUnavailable, match="than the one asked for"):
        await reads_on(pointer("s1"), answer, *NO_MARKS).find_token(digest("a"))


@pytest.mark.parametrize("mark", ["1800000000.0 fired", "1800000000.000001 fired"])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_mark_ends_what_was_opened_until_then(mark, at):
    marks = list(NO_MARKS)
    marks[at] = mark.encode()

    assert await reads_on(pointer("s1"), row("s1", "a"), *marks).find_token(digest("a")) is None


async def test_a_mark_spares_what_was_opened_later():
    marks = (b"1799999999.999999 leak", None, None)

    assert await reads_on(pointer("s1"), row("s1", "a"), *marks).find_token(digest("a"))


async def test_a_mark_nobody_can_read_is_an_outage():
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        await reads_on(pointer("s1"), row("s1", "a"), b"yesterday", None, None).find_token(digest("a"))


@pytest.mark.parametrize("answer", [b"PONG", b"QUEUED", 1])
async def test_ping_wants_the_right_answer(answer):
    assert await reads_on(answer).ping() is (answer == b"PONG")
