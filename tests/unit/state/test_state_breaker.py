"""The circuit breaker: when it opens, who may probe, and what counts as an answer."""

import asyncio

import pytest

from gateway.errors import StoreUnavailable
from gateway.state.breaker import FAILURES, FIRST_PAUSE, PAUSE, Breaker
from gateway.state.link import Refusal


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


def take(breaker, error=None):
    """One step that ends like this. True if it was tried at all."""
    try:
        with breaker.step():
            if error is not None:
                raise error
    except StoreUnavailable as refused:
        return refused is error
    except BaseException as raised:
        if raised is not error:
            raise
    return True


def opened(breaker, clock):
    take(breaker, TimeoutError())
    assert breaker.is_open
    return clock


def test_a_step_that_was_late_while_nobody_had_an_answer_opens_it(breaker):
    assert take(breaker, TimeoutError())

    assert breaker.is_open
    assert not take(breaker)


def test_a_step_that_was_late_while_others_had_answers_does_not(breaker, clock):
    slow = breaker.step()
    slow.__enter__()
    clock.now += 0.3
    take(breaker)
    clock.now += 0.2
    late = TimeoutError()
    slow.__exit__(TimeoutError, late, None)

    assert not breaker.is_open


@pytest.mark.parametrize("error", [ConnectionRefusedError(), PermissionError("NOAUTH"), ConnectionResetError()])
def test_broken_connections_open_it_when_there_are_several_in_a_row(breaker, error):
    for _ in range(FAILURES - 1):
        take(breaker, error)
    assert not breaker.is_open

    take(breaker, error)

    assert breaker.is_open


def test_an_answer_between_broken_connections_begins_the_count_anew(breaker):
    for _ in range(5):
        for _ in range(FAILURES - 1):
            take(breaker, ConnectionResetError())
        take(breaker)

    assert not breaker.is_open


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("READONLY"),
        Refusal("OOM"),
        Refusal("MISCONF"),
        Refusal("LOADING"),
        ValueError("a record that cannot be read"),
        StoreUnavailable("another session than the one asked for"),
    ],
)
def test_a_refusal_is_an_answer(breaker, refusal):
    for _ in range(10):
        assert take(breaker, refusal)

    assert not breaker.is_open


def test_one_broken_connection_is_one_failure_for_all_who_shared_it(breaker, clock):
    sharing = [breaker.step() for _ in range(20)]
    for step in sharing:
        step.__enter__()
    clock.now += 0.1
    for step in sharing:
        step.__exit__(ConnectionResetError, ConnectionResetError(), None)

    assert not breaker.is_open


def test_late_answers_open_it_only_where_nobody_else_has_any(breaker, clock):
    for _ in range(20):
        waiting = breaker.step()
        waiting.__enter__()
        clock.now += 0.4
        take(breaker)
        clock.now += 0.1
        waiting.__exit__(TimeoutError, TimeoutError(), None)

    assert not breaker.is_open


def test_one_probe_at_a_time_is_let_through_after_a_pause(breaker, clock):
    opened(breaker, clock)
    clock.now += FIRST_PAUSE / 2
    assert not take(breaker)
    clock.now += FIRST_PAUSE

    probe = breaker.step()
    probe.__enter__()
    assert not take(breaker), "the probe is out"
    probe.__exit__(TimeoutError, TimeoutError(), None)

    assert not take(breaker), "it came back without an answer"
    clock.now += 2 * FIRST_PAUSE
    assert not take(breaker), "the second time it takes longer"
    clock.now += PAUSE
    assert take(breaker)
    assert not breaker.is_open


def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next(breaker, clock):
    opened(breaker, clock).now += 2 * PAUSE
    take(breaker, asyncio.CancelledError())

    assert breaker.is_open
    assert take(breaker)
    assert not breaker.is_open


def test_an_answer_to_an_earlier_step_closes_it(breaker, clock):
    """A store that was stopped and goes on answers what has waited."""
    waiting = breaker.step()
    waiting.__enter__()
    opened(breaker, clock)

    waiting.__exit__(None, None, None)

    assert not breaker.is_open
    assert take(breaker)


def test_steps_that_began_before_it_opened_do_not_put_the_probe_off(breaker, clock):
    waiting = breaker.step()
    waiting.__enter__()
    opened(breaker, clock).now += PAUSE
    late = TimeoutError()
    waiting.__exit__(TimeoutError, late, None)
    clock.now += PAUSE / 10

    assert take(breaker)


def test_a_caller_that_leaves_says_nothing_about_the_store(breaker):
    for _ in range(10):
        take(breaker, asyncio.CancelledError())

    assert not breaker.is_open
