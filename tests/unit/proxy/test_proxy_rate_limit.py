import mmap

import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TooManyRequests
from gateway.proxy import rate_limit
from gateway.proxy.rate_limit import MEMORY_BYTES, RateLimit, SpentRequests

WARM = b"Host: h\r\nAuthorization: Bearer warm\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Now:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def now(monkeypatch):
    clock = Now()
    monkeypatch.setattr(rate_limit, "monotonic", clock)
    return clock


def limited(by="identity", requests=2, per=10.0, spent=None, **fields):
    limit = RateLimit("orders", requests, per, by, spent or SpentRequests())
    return Wired([{"rate_limit": limit, **fields}], idle=1)


def ask(wired, rest=WARM, client=None):
    client = client or wired.client()
    client.says(b"GET /orders/x HTTP/1.1\r\n" + rest + b"\r\n")
    if wired.erp.take():
        wired.idle[0].data_received(OK)
    return client.hears()


def test_what_is_over_the_limit_is_a_429_that_says_when_to_come_back(now):
    wired = limited()
    assert ask(wired).endswith(b"ok")
    assert ask(wired).endswith(b"ok")

    refused = ask(wired)

    assert refused.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"Retry-After: 5\r\n" in refused
    assert b'"error":"too_many_requests"' in refused
    now.seconds += 5
    assert ask(wired).endswith(b"ok")
    assert ask(wired).startswith(b"HTTP/1.1 429")


def test_users_are_counted_apart_wherever_they_come_from(now):
    wired = limited(requests=1)
    wired.tokens.warm[b"other"] = verified("bob", user_id="102")
    assert ask(wired).endswith(b"ok")
    assert ask(wired).startswith(b"HTTP/1.1 429")

    assert ask(wired, WARM.replace(b"warm", b"other")).endswith(b"ok")


def test_the_anonymous_go_by_address(now):
    wired = limited(requests=1, anonymous=("/orders/**",))

    assert ask(wired, b"Host: h\r\n").endswith(b"ok")
    assert ask(wired, b"Host: h\r\n").startswith(b"HTTP/1.1 429")
    assert ask(wired).endswith(b"ok")


@pytest.mark.parametrize(("by", "refused"), [("identity", False), ("address", True), ("route", True)])
def test_everyone_behind_one_address_counts_as_one_where_that_is_said(now, by, refused):
    wired = limited(by, requests=1)
    wired.tokens.warm[b"other"] = verified("bob", user_id="102")
    ask(wired)

    assert ask(wired, WARM.replace(b"warm", b"other")).startswith(b"HTTP/1.1 429") == refused


def test_who_is_refused_for_another_reason_is_not_counted(now):
    wired = limited(requests=1)
    for _ in range(3):
        assert ask(wired, WARM.replace(b"warm", b"")).startswith(b"HTTP/1.1 401")

    assert ask(wired).endswith(b"ok")


def test_workers_that_share_memory_count_as_one(now):
    memory = memoryview(mmap.mmap(-1, MEMORY_BYTES))
    one, other = (limited(requests=1, spent=SpentRequests(memory)) for _ in range(2))

    assert ask(one).endswith(b"ok")
    assert ask(other).startswith(b"HTTP/1.1 429")


def test_a_full_table_forgets_who_waited_longest_and_refuses_nobody_for_another():
    spent = SpentRequests(bytearray(128))
    assert spent.spend(1, 0.0, 10.0, 10.0) == 0.0
    assert spent.spend(1, 0.0, 10.0, 10.0) == 10.0

    for caller in range(2, 20):
        assert spent.spend(caller, float(caller), 10.0, 10.0) == 0.0

    assert spent.spend(1, 20.0, 10.0, 10.0) == 0.0


def test_every_place_of_the_table_is_used():
    memory = bytearray(128 * 16)
    spent = SpentRequests(memory)

    for number in range(2000):
        user = verified("u", user_id=str(number))
        RateLimit("orders", 1, 60.0, "identity", spent).count(None, user)

    places = [memory[at : at + 8] for at in range(0, len(memory), 16)]
    assert all(any(place) for place in places)


@given(
    requests=st.integers(1, 50),
    per=st.floats(0.1, 100),
    waits=st.lists(st.floats(0, 10), min_size=1, max_size=200),
)
def test_no_window_of_time_ever_holds_more_than_twice_the_limit(requests, per, waits):
    """All at once, and then as many again while those are paid back: what a burst of the whole limit means."""
    spent, now, admitted = SpentRequests(bytearray(128)), 1.0, []
    for wait in waits:
        now += wait
        left = spent.spend(7, now, per / requests, per)
        assert left >= 0.0
        if not left:
            admitted.append(now)

    for start in admitted:
        assert sum(start <= moment < start + per for moment in admitted) <= 2 * requests


@given(requests=st.integers(1, 50), per=st.floats(0.1, 100), after=st.floats(0, 200))
def test_who_comes_back_when_told_is_let_in(requests, per, after):
    spent = SpentRequests(bytearray(128))
    now = 1000.0 + after
    while not (wait := spent.spend(7, now, per / requests, per)):
        pass

    assert spent.spend(7, now + wait, per / requests, per) == 0.0


def test_the_error_is_the_one_that_every_dialect_spells():
    limit = RateLimit("orders", 1, 60.0, "route", SpentRequests())
    limit.count(None, None)

    with pytest.raises(TooManyRequests) as refused:
        limit.count(None, None)

    assert 59 <= refused.value.retry_after <= 60
