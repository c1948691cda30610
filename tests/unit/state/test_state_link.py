"""One shared connection: answers reach who asked, whoever has gone, however the bytes are cut, and whatever breaks."""

import asyncio
import gc
import random

import pytest
from fakes.waiting import eventually
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.link import Link, Refusal, pack


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self):
        super().__init__()
        self.written = []
        self.aborted = False
        self.high = None

    def write(self, data):
        self.written.append(data)

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high

    def abort(self):
        self.aborted = True


def linked(*, patience=60.0, **options):
    link, wire = Link(asyncio.get_running_loop(), patience=patience, **options), Wire()
    link.connection_made(wire)
    return link, wire


def answers(*texts):
    return b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


async def test_questions_go_out_at_once_and_answers_come_back_in_order():
    link, wire = linked()

    first, second = link.send([("GET", "a"), ("GET", b"\xff")]), link.send([("GET", 3)])
    link.data_received(answers(b"A", b"B", b"C"))

    assert wire.written == [pack([("GET", "a"), ("GET", b"\xff")]), pack([("GET", 3)])]
    assert (await first, await second) == ([b"A", b"B"], [b"C"])
    assert link.waiting == 0


async def test_the_answer_of_a_caller_who_has_gone_is_nobody_elses():
    link, _ = linked()
    mine, theirs, last = (link.send([("GET", key)]) for key in "abc")

    theirs.cancel()
    link.data_received(answers(b"A", b"B", b"C"))

    assert (await mine, await last) == ([b"A"], [b"C"])
    assert link.is_open


@given(st.data())
def test_however_the_bytes_are_cut_and_whoever_goes_the_rest_get_their_own(data):
    asyncio.run(_cut_at_random(random.Random(data.draw(st.integers()))))


async def _cut_at_random(dice):
    link, _ = linked()
    asked = {number: link.send([("GET", f"{number}.{part}") for part in range(number % 3 + 1)]) for number in range(40)}
    texts = [f"{number}.{part}".encode() for number in asked for part in range(number % 3 + 1)]
    whole = answers(*texts)
    while whole:
        size = dice.randrange(1, 60)
        link.data_received(whole[:size])
        whole = whole[size:]
        dice.choice([*asked.values()]).cancel()
    for number, future in asked.items():
        if not future.cancelled():
            assert await future == [f"{number}.{part}".encode() for part in range(number % 3 + 1)]


async def test_a_refusal_is_an_answer_in_its_place():
    link, _ = linked()

    asked = link.send([("SET", "a", "1"), ("GET", "a")])
    link.data_received(b"-READONLY You can't write.\r\n" + answers(b"A"))

    refused, fetched = await asked
    assert isinstance(refused, Refusal)
    assert (refused.code, fetched) == ("READONLY", b"A")


async def test_what_is_pushed_is_never_an_answer():
    pushed = []
    link, _ = linked(on_push=pushed.append)

    asked = link.send([("GET", "a")])
    link.data_received(b">2\r\n$1\r\nx\r\n$1\r\ny\r\n" + answers(b"A") + b">1\r\n$1\r\nz\r\n")

    assert await asked == [b"A"]
    assert pushed == [[b"x", b"y"], [b"z"]]


async def test_whoever_cannot_take_what_is_pushed_loses_the_link():
    link, wire = linked(on_push=lambda _: 1 / 0)

    link.data_received(b">1\r\n$1\r\nz\r\n")

    assert wire.aborted
    assert isinstance(link.why, ZeroDivisionError)
    assert not link.is_open


async def test_commands_with_fewer_answers_than_words_say_how_many():
    link, _ = linked()

    asked = link.send([("SUBSCRIBE", "a"), ("PING",)], answers=1)
    link.data_received(b">1\r\n$9\r\nsubscribe\r\n+PONG\r\n")

    assert await asked == [b"PONG"]


@pytest.mark.parametrize("data", [answers(b"A", b"B"), b"?rubbish\r\n"], ids=["too many", "rubbish"])
async def test_answers_nobody_asked_for_end_the_link(data):
    link, wire = linked()
    asked = link.send([("GET", "a")])

    link.data_received(data)
    link.connection_lost(None)

    assert wire.aborted
    assert asked.exception() is None or isinstance(asked.exception(), ConnectionError)
    with pytest.raises(ConnectionError):
        link.send([("GET", "a")])


@pytest.mark.parametrize("why", [None, ConnectionResetError("reset"), BrokenPipeError(), ValueError("x")])
async def test_a_lost_connection_is_told_to_all_who_wait_and_to_nobody_who_left(why):
    link, _ = linked()
    first, gone, last = (link.send([("GET", key)]) for key in "abc")
    gone.cancel()

    link.connection_lost(why)

    for asked in (first, last):
        with pytest.raises(OSError):
            await asked
    assert link.ended.done()
    with pytest.raises(OSError):
        link.send([("GET", "a")])


async def test_a_store_that_reads_nothing_is_asked_nothing_more_until_it_does():
    link, wire = linked()
    assert wire.high > 100_000

    link.pause_writing()
    with pytest.raises(ConnectionError):
        link.send([("GET", "a")])
    link.resume_writing()

    assert link.send([("GET", "a")])


async def test_a_link_without_answers_is_given_up_as_a_whole():
    link, wire = linked(patience=0.01)
    asked = [link.send([("GET", "a")]) for _ in range(3)]

    await eventually(lambda: wire.aborted)
    link.connection_lost(None)

    for one in asked:
        with pytest.raises(TimeoutError, match="silent"):
            await one


async def test_patience_is_for_the_oldest_question_and_begins_anew_with_each():
    link, wire = linked(patience=0.2)
    for _ in range(5):
        asked = link.send([("GET", "a")])
        await asyncio.sleep(0.01)
        link.data_received(answers(b"A"))
        await asked

    await asyncio.sleep(0.25)  # the watch finds nobody waiting

    assert not wire.aborted
    assert link.is_open


async def test_a_link_is_stuck_while_its_oldest_question_waits_too_long():
    link, _ = linked()
    assert not link.is_stuck
    asked = link.send([("GET", "a")])
    assert not link.is_stuck

    await eventually(lambda: link.is_stuck)
    link.data_received(answers(b"A"))

    assert await asked
    assert not link.is_stuck
    assert link.is_idle(-1.0)
    assert not link.is_idle(60.0)


async def test_a_link_that_was_aborted_before_it_was_made_says_why():
    link = Link(asyncio.get_running_loop(), patience=1.0)
    link.abort(ConnectionAbortedError("closed"))

    with pytest.raises(ConnectionAbortedError, match="closed"):
        link.send([("GET", "a")])


@given(st.lists(st.one_of(st.text(), st.binary(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_commands_are_spelled_as_the_protocol_says(words):
    data = [word if isinstance(word, bytes) else str(word).encode(errors="surrogatepass") for word in words]
    if any(isinstance(word, str) and not word.isprintable() and not word.isascii() for word in words):
        return

    packed = pack([tuple(words)])

    assert packed == b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)


async def test_a_question_that_nobody_waits_for_any_more_is_no_error_in_the_log(caplog):
    link, _ = linked()
    link.send((("GET", "a"),))

    link.connection_lost(None)
    gc.collect()
    await asyncio.sleep(0)

    assert not caplog.records
