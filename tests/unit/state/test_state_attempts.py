"""What the steps of an attempt send; tests/contract/ shows what they do."""

from dataclasses import replace

import pytest
from fakes.clock import Clock
from fakes.wire import ScriptedTopology
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.attempts import Attempt, Attempts, Limits, NewBans, Verdict
from gateway.state.calls import Calls
from gateway.state.keys import Keys

ADA = Attempt("0000", "staff", "ada", "101", "192.0.2.7", address_is_shared=False, limits=Limits())


def attempts_on(*answers):
    topology = ScriptedTopology(*answers)
    return Attempts(Calls(topology, timeout=5.0), Keys("gw:"), Clock()), topology


async def test_a_reservation_is_one_round_trip():
    attempts, topology = attempts_on([b"reserved", b"0", 3], 7, 2)

    found = await attempts.reserve(ADA)

    assert (found.verdict, found.address_failures, found.account_failures) == (Verdict.RESERVED, 3, 9)
    assert topology.rounds == 1
    assert [command[0] for command in topology.sent] == ["EVALSHA", "ZCOUNT", "ZCOUNT"]


async def test_a_name_that_nobody_has_logged_in_by_is_counted_once():
    attempts, topology = attempts_on([b"reserved", b"0", 3], 7)

    found = await attempts.reserve(replace(ADA, user_id=""))

    assert found.account_failures == 7
    assert topology.sent[0][3] == topology.sent[0][5]


async def test_a_failure_is_one_round_trip():
    attempts, topology = attempts_on([0, 0], 1, 0, 1)

    assert await attempts.failed(ADA) == NewBans()

    assert [command[0] for command in topology.sent] == ["EVALSHA", "ZADD", "ZREMRANGEBYRANK", "PEXPIRE"]


async def test_what_a_failure_has_banned_is_listed():
    attempts, topology = attempts_on([1, 1], 1, 0, 1, 1, 1)

    assert await attempts.failed(ADA) == NewBans(account=True, address=True)

    assert [command[3] for command in topology.sent[4:]] == ["gw:b", "gw:b"]
    assert [command[4] for command in topology.sent[4:]] == [
        f'["staff", "101", "192.0.2.7", "{ADA.account}"]',
        '["", "", "192.0.2.7", ""]',
    ]


@pytest.mark.parametrize(("shared", "limit"), [(False, "50"), (True, "0")])
async def test_a_shared_address_has_no_limit(shared, limit):
    attempts, topology = attempts_on([b"reserved", b"0", 0], 0, 0)

    await attempts.reserve(replace(ADA, address_is_shared=shared))

    assert topology.sent[0][-2] == limit


async def test_a_pair_and_its_address_share_one_slot():
    """Redis hashes what stands in the first braces."""
    attempts, topology = attempts_on([b"reserved", b"0", 0], 0, 0)

    await attempts.reserve(ADA)

    pair, address, earlier = topology.sent[0][3:6]
    assert len({pair, address, earlier}) == 3
    assert len({key.partition("}")[0] for key in (pair, address, earlier)}) == 1


names = st.text(st.characters())


@given(st.tuples(names, names), st.tuples(names, names))
def test_two_accounts_never_share_a_counter(one, other):
    accounts = [replace(ADA, name=name, user_id=user_id).account for name, user_id in (one, other)]

    same_user = one[1] == other[1] and (one[1] or one[0] == other[0])
    assert (accounts[0] == accounts[1]) == bool(same_user)


def test_a_limit_of_an_address_is_ten_of_an_account():
    assert Limits().of_address == 50
