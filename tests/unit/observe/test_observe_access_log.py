import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe.access_log import FLUSH_LINES, MALFORMED_BURST, AccessLog

LINE = {
    "request_id": "r1",
    "method": "GET",
    "path": "/orders/7",
    "route": "orders",
    "status": 200,
    "duration": 0.0123456,
    "upstream": "odoo",
    "upstream_duration": 0.0101,
    "body_bytes": 512,
    "user": "GardenAdmin",
    "auth_method": "bearer",
    "login": "native",
    "client": "192.0.2.7",
}


class Written:
    """A stream that keeps what it was given, and a loop that runs timers when told."""

    def __init__(self):
        self.batches = []
        self.timers = []
        self.now = 1_700_000_000.25

    def log(self):
        return AccessLog(self.batches.append, lambda: self.now, lambda seconds, work: self.timers.append(work))

    def fire(self):
        timers, self.timers = self.timers, []
        for work in timers:
            work()

    @property
    def lines(self):
        return [json.loads(line) for line in b"".join(self.batches).splitlines()]


@pytest.fixture
def written():
    return Written()


def test_an_exchange_is_one_json_line_with_the_documented_fields_in_order(written):
    written.log().record(**LINE)
    written.fire()

    (line,) = written.lines
    assert list(line) == [
        "ts",
        "request_id",
        "client",
        "method",
        "path",
        "route",
        "status",
        "duration_ms",
        "upstream",
        "upstream_ms",
        "bytes",
        "user",
        "auth_method",
        "login",
    ]
    assert line["ts"] == "2023-11-14T22:13:20.250Z"
    assert (line["duration_ms"], line["upstream_ms"]) == (12.345, 10.1)
    assert (line["status"], line["bytes"], line["route"]) == (200, 512, "orders")
    assert (line["client"], line["user"], line["auth_method"], line["login"]) == (
        "192.0.2.7",
        "GardenAdmin",
        "bearer",
        "native",
    )


def test_an_answer_that_broke_off_says_why_at_the_end_of_its_line(written):
    log = written.log()
    log.record(**LINE, broken='the "upstream"')
    log.record(**LINE)
    written.fire()

    cut, whole = written.lines
    assert list(cut)[-1] == "broken"
    assert cut["broken"] == 'the "upstream"'
    assert "broken" not in whole


def test_an_answer_of_the_gateways_own_that_something_is_wrong_says_what_in_few_words(written):
    log = written.log()
    log.record(**LINE, error='no "HTTP"\r\n' * 100)
    log.record(**LINE)
    written.fire()

    refused, served = written.lines
    assert list(refused)[-1] == "error"
    assert refused["error"] == ('no "HTTP"\r\n' * 100)[:200]
    assert "error" not in served


def test_lines_wait_for_their_batch(written):
    log = written.log()
    log.record(**LINE)
    log.record(**LINE)

    assert written.batches == []
    assert len(written.timers) == 1
    written.fire()
    assert len(written.batches) == 1
    assert len(written.lines) == 2


def test_a_full_batch_does_not_wait_for_the_timer(written):
    log = written.log()
    for _ in range(FLUSH_LINES):
        log.record(**LINE)

    assert len(written.batches) == 1
    assert len(written.lines) == FLUSH_LINES


def test_a_timer_that_finds_nothing_writes_nothing(written):
    log = written.log()
    log.record(**LINE)
    log.flush()
    written.fire()

    assert len(written.batches) == 1


@given(
    text=st.text(st.characters()),
    field=st.sampled_from([name for name, value in LINE.items() if value.__class__ is str]),
)
def test_whatever_a_client_sends_stays_inside_its_own_field(text, field):
    written = Written()
    log = written.log()
    log.record(**{**LINE, field: text})
    log.flush()

    assert b"".join(written.batches).count(b"\n") == 1
    (line,) = written.lines
    assert line[field] == text
    assert line["status"] == 200


def test_a_name_with_a_lone_surrogate_is_written_all_the_same(written):
    """Header bytes decoded with surrogateescape must not make the log fail."""
    log = written.log()
    log.record(**{**LINE, "path": "/\udcff"})
    log.flush()

    assert written.lines[0]["path"] == "/\udcff"


def test_the_clock_may_step_backwards(written):
    log = written.log()
    log.record(**LINE)
    written.now -= 3600
    log.record(**LINE)
    log.flush()

    assert [line["ts"] for line in written.lines] == ["2023-11-14T22:13:20.250Z", "2023-11-14T21:13:20.250Z"]


def test_ready_made_line_parts_do_not_grow_without_bound(written):
    log = written.log()
    for number in range(10_000):
        log.record(**{**LINE, "login": f"login-{number}"})

    assert len(log._frames) <= 4096


def test_a_flood_of_malformed_requests_is_not_a_flood_of_lines(written):
    log = written.log()
    kept = [log.malformed("192.0.2.9", "bad request line") for _ in range(1000)]
    log.flush()

    assert kept.count(True) == int(MALFORMED_BURST)
    assert len(written.lines) == int(MALFORMED_BURST)
    assert written.lines[0]["event"] == "malformed_request"
    written.now += 1
    assert log.malformed("192.0.2.9", "bad request line")
    assert not log.malformed("192.0.2.9", "bad request line")


@pytest.mark.parametrize(("status", "told"), [(408, {"status": 408}), (0, {})])
def test_a_malformed_request_is_told_with_its_answer(written, status, told):
    log = written.log()
    log.malformed("192.0.2.9", "why", status)
    log.flush()

    (line,) = written.lines
    assert {name: line[name] for name in line if name != "ts"} == {
        "event": "malformed_request",
        "client": "192.0.2.9",
        **told,
        "reason": "why",
    }


async def test_on_a_running_loop_a_line_is_written_by_itself():
    written = asyncio.Event()
    AccessLog(lambda batch: written.set(), lambda: 0.0).record(**LINE)

    await asyncio.wait_for(written.wait(), 60)
