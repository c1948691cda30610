"""Protection against password guessing, on the real store."""

import asyncio
import logging
from dataclasses import replace

import pytest
from fakes.token_rig import call
from fakes.waiting import eventually

from gateway.broker import protection as rules
from gateway.broker.protection import Protection, delay_after, network_of
from gateway.config.store import StoreConfig
from gateway.errors import (
    AccountLocked,
    Banned,
    LoginRejected,
    SelectionNeeded,
    StoreUnavailable,
    TooManyRequests,
    Unavailable,
)
from gateway.model import Account
from gateway.state.attempts import Attempt, Attempts, Limits, Reservation, Verdict
from gateway.state.connect import open_store

CALL = call()
ADA = Account("staff", "101", "ada")
LIMITS = Limits(max_failures=3, window=60.0, ban=90.0)


class Door:
    """A protection with a password check behind it that knows `right`, and keeps what it was asked."""

    def __init__(self, store, clock):
        self.audited = []
        self.slept = []
        self.tried = []
        self.protection = Protection(Attempts(store.calls, store.keys, clock), self._audit, sleep=self._sleep)

    async def try_(self, password, name="ada", call=CALL, *, error=None):
        async def check():
            self.tried.append(password)
            await asyncio.sleep(0)
            if error is not None:
                raise error
            return ADA if password == "right" else None

        return await self.protection.judge("staff", name, call, LIMITS, check)

    async def fail(self, times, **where):
        for _ in range(times):
            assert await self.try_("wrong", **where) is None

    def _audit(self, event, /, **fields):
        self.audited.append((event, fields))

    async def _sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def door(store, clock):
    return Door(store, clock)


def origin(address, *, shared=False):
    return replace(CALL, client_address=address, address_is_shared=shared)


async def test_a_right_password_passes_and_a_wrong_one_does_not(door):
    assert await door.try_("right") == ADA
    assert await door.try_("wrong") is None


async def test_a_banned_account_s_password_is_not_looked_at(door):
    await door.fail(3)

    with pytest.raises(Banned) as banned:
        await door.try_("right")

    assert banned.value.retry_after == 90
    assert (banned.value.status, door.tried) == (429, ["wrong"] * 3)


async def test_a_ban_is_told_in_the_audit_log_once_and_without_the_name_that_was_typed(door):
    await door.try_("right")
    await door.fail(3)
    with pytest.raises(Banned):
        await door.try_("wrong")

    assert door.audited == [
        (
            "banned",
            {
                "scope": "account",
                "provider": "staff",
                "user_id": "101",
                "client": "192.0.2.7",
                "request_id": "req-1",
                "seconds": 90,
            },
        )
    ]


async def test_a_banned_address_is_told_without_an_account(door):
    for number in range(30):
        await door.fail(1, name=f"user{number}")

    assert [(fields["scope"], fields["user_id"]) for _, fields in door.audited] == [("address", "")]
    with pytest.raises(Banned):
        await door.try_("right", name="never tried before")


@pytest.mark.parametrize("spelling", ["ADA", "\uff21da", "aDa"])
async def test_spellings_of_a_name_are_one_account(door, spelling):
    """Case variants were new counters in Authelia (CVE-2026-47203)."""
    await door.fail(2)
    await door.fail(1, name=spelling)

    with pytest.raises(Banned):
        await door.try_("right")


async def test_aliases_of_a_user_are_one_account_once_both_were_used(door):
    for name in ("ada", "ada@example.com"):
        await door.try_("right", name=name)

    await door.fail(2)
    await door.fail(1, name="ada@example.com")

    with pytest.raises(Banned):
        await door.try_("right")


async def test_two_hundred_wrong_passwords_at_once_are_judged_as_often_as_may_fail(door):
    """Keycloak's lock-out was beaten by parallel logins (CVE-2024-4629)."""
    answers = await asyncio.gather(*(door.try_("wrong") for _ in range(200)), return_exceptions=True)

    assert len(door.tried) == 3
    assert answers.count(None) == 3
    assert all(isinstance(answer, TooManyRequests) for answer in answers if answer is not None)


async def test_right_passwords_at_once_wait_for_each_other_and_all_pass(door):
    answers = await asyncio.gather(*(door.try_("right") for _ in range(40)))

    assert answers == [ADA] * 40


async def test_a_right_password_among_wrong_ones_at_once_is_never_wrongly_accepted(door):
    answers = await asyncio.gather(
        *(door.try_(password) for password in ["wrong", "wrong", "right"]), return_exceptions=True
    )

    assert answers == [None, None, ADA]


async def test_who_has_waited_too_long_is_told_to_come_back(door, monkeypatch):
    monkeypatch.setattr(rules, "_LONGEST_WAIT", 0.0)
    answers = await asyncio.gather(*(door.try_("right") for _ in range(4)), return_exceptions=True)

    refused = [answer for answer in answers if answer != ADA]
    assert [(type(answer), answer.retry_after) for answer in refused] == [(TooManyRequests, 1)]


async def test_a_login_waits_for_one_that_another_gateway_is_judging(store, clock, door):
    elsewhere = Attempts(store.calls, store.keys, clock)
    held = [Attempt(f"{n}", "staff", "ada", "", "192.0.2.7", address_is_shared=False, limits=LIMITS) for n in range(3)]
    for one in held:
        await elsewhere.reserve(one)
    waiting = asyncio.ensure_future(door.try_("right"))
    await asyncio.sleep(0.05)
    assert not door.tried

    await elsewhere.released(held[0])

    assert await waiting == ADA


@pytest.mark.parametrize("error", [Unavailable("queue full"), SelectionNeeded("a role"), RuntimeError("a defect")])
async def test_what_says_nothing_of_the_password_costs_no_try(door, error):
    for _ in range(5):
        with pytest.raises(type(error)):
            await door.try_("right", error=error)

    assert await door.try_("right") == ADA


@pytest.mark.parametrize("error", [LoginRejected(), AccountLocked()])
async def test_a_refusal_counts_whatever_its_words(door, error):
    for _ in range(3):
        with pytest.raises(type(error)):
            await door.try_("right", error=error)

    with pytest.raises(Banned):
        await door.try_("right")


async def test_an_account_attacked_from_many_addresses_is_slowed_and_never_locked(door):
    for number in range(12):
        await door.fail(1, call=origin(f"198.51.100.{number}"))

    assert door.slept == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    assert await door.try_("right") == ADA
    assert door.slept[-1] == 4.0


async def test_beyond_its_room_nobody_is_held_back(door, monkeypatch):
    monkeypatch.setattr(rules, "_MOST_DELAYED", 0)
    for number in range(4):
        await door.fail(1, call=origin(f"198.51.100.{number}"))

    assert door.slept == []


async def test_a_proxy_that_is_not_trusted_is_slowed_and_never_banned_by_its_address(door):
    proxy = origin("10.0.0.1", shared=True)
    for number in range(33):
        await door.fail(1, name=f"user{number}", call=proxy)

    assert await door.try_("right", name="another", call=proxy) == ADA
    assert door.slept == [0.25, 0.5, 1.0, 2.0]
    assert door.audited == []


async def test_a_proxy_that_is_not_trusted_is_warned_of_once(door, caplog):
    with caplog.at_level(logging.WARNING, "gateway.protection"):
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
            await door.try_("right", call=origin(address, shared=True))

    assert [record.args for record in caplog.records] == [("10.0.0.1",), ("10.0.0.2",)]
    assert "server.trusted_proxies" in caplog.text


async def test_the_warnings_are_bounded(door, caplog, monkeypatch):
    monkeypatch.setattr(rules, "_MOST_WARNED", 1)
    for number in range(3):
        await door.try_("right", call=origin(f"10.0.0.{number}", shared=True))

    assert len(caplog.records) == 1


async def test_an_unknown_address_is_never_banned_as_one(door):
    for number in range(31):
        await door.fail(1, name=f"user{number}", call=origin(""))

    assert await door.try_("right", call=origin("")) == ADA


async def test_addresses_of_one_network_are_one(door):
    for number in range(3):
        await door.fail(1, call=origin(f"2001:db8:0:1::{number:x}"))

    with pytest.raises(Banned):
        await door.try_("right", call=origin("2001:db8:0:1:ffff::1"))
    assert await door.try_("right", call=origin("2001:db8:0:2::1")) == ADA


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:DB8:0:0:1:2:3:4", "2001:db8::"),
        ("2001:db8:0:1::", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address, network):
    assert network_of(address) == network


def test_the_delay_is_bounded_whatever_the_count():
    attempt = Attempt("0", "staff", "ada", "", "192.0.2.7", address_is_shared=False, limits=LIMITS)

    assert delay_after(Reservation(Verdict.RESERVED, account_failures=10**6), attempt) == 4.0
    assert delay_after(Reservation(Verdict.RESERVED, account_failures=2, address_failures=10**6), attempt) == 0.0


async def test_a_caller_who_leaves_while_held_back_costs_no_try(store, clock):
    door = Door(store, clock)
    for number in range(3):
        await door.fail(1, call=origin(f"198.51.100.{number}"))
    forever = asyncio.Event()
    door.protection = Protection(Attempts(store.calls, store.keys, clock), door._audit, sleep=lambda _: forever.wait())
    for _ in range(5):
        leaving = asyncio.ensure_future(door.try_("wrong"))
        await eventually(lambda: door.protection._delayed)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    door.protection = Protection(Attempts(store.calls, store.keys, clock), door._audit, sleep=door._sleep)

    assert await door.try_("right") == ADA
    assert door.tried == ["wrong"] * 3 + ["right"]


async def test_a_caller_who_leaves_while_judged_is_judged_to_the_end(door):
    async def leave(password):
        under_way = asyncio.ensure_future(door.try_(password))
        before = len(door.tried)
        await eventually(lambda: len(door.tried) > before)
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)

    for _ in range(5):
        await leave("right")
    for _ in range(3):
        await leave("wrong")

    with pytest.raises(TooManyRequests):
        await door.try_("right")


async def test_nothing_is_judged_while_the_store_is_away(clock):
    door = Door(open_store(StoreConfig(), url="unix:///nonexistent/valkey.sock", clock=clock), clock)

    with pytest.raises(StoreUnavailable):
        await door.try_("right")

    assert door.tried == []


async def test_a_try_that_the_store_took_and_did_not_answer_costs_nothing(store, clock, monkeypatch):
    """Of a Cluster one server counts an account's tries from here, and another, which may be down, those of all."""
    door, reserve = Door(store, clock), Attempts.reserve
    taken = []

    async def half_done(self, attempt):
        taken.append((await reserve(self, attempt)).verdict)
        raise StoreUnavailable("one of its servers is down")

    monkeypatch.setattr(Attempts, "reserve", half_done)
    for _ in range(LIMITS.max_failures):
        with pytest.raises(StoreUnavailable):
            await door.try_("right")
    monkeypatch.undo()

    assert taken == [Verdict.RESERVED] * LIMITS.max_failures
    assert await door.try_("right") == ADA


async def test_a_wrong_password_that_could_not_be_counted_is_an_outage_and_stays_counted(door, monkeypatch):
    attempts = door.protection._attempts

    async def away(attempt):
        raise StoreUnavailable("away")

    monkeypatch.setattr(attempts, "failed", away)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await door.try_("wrong")
    monkeypatch.undo()
    monkeypatch.setattr(rules, "_LONGEST_WAIT", 0.0)

    with pytest.raises(TooManyRequests):
        await door.try_("right")
