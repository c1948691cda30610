import pytest
from fakes.clock import Clock

from gateway.admin.console.sign_ins import IDLE_SECONDS, LIMIT, LONGEST_SECONDS, Notice, SignIns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sign_ins(clock):
    return SignIns(clock)


def test_a_cookie_is_known_by_its_hash_only(sign_ins):
    cookie = sign_ins.open()

    assert sign_ins.find(cookie) is not None
    assert cookie not in repr(vars(sign_ins))
    assert len(cookie) >= 43


@pytest.mark.parametrize("cookie", ["", "x", "\udcff", "a" * 10_000])
def test_no_other_cookie_counts(sign_ins, cookie):
    sign_ins.open()

    assert sign_ins.find(cookie) is None


def test_it_ends_when_it_is_idle_and_not_while_it_is_used(sign_ins, clock):
    used, idle = sign_ins.open(), sign_ins.open()

    clock.now += IDLE_SECONDS - 1
    assert sign_ins.find(used) is not None
    clock.now += 1

    assert sign_ins.find(used) is not None
    assert sign_ins.find(idle) is None
    assert len(sign_ins) == 1


def test_it_ends_after_eight_hours_however_much_it_is_used(sign_ins, clock):
    cookie = sign_ins.open()
    begun = clock.now

    while clock.now < begun + LONGEST_SECONDS - 600:
        clock.now += 600
        assert sign_ins.find(cookie) is not None
    clock.now = begun + LONGEST_SECONDS

    assert sign_ins.find(cookie) is None


def test_signing_out_ends_that_one(sign_ins):
    mine, yours = sign_ins.open(), sign_ins.open()

    sign_ins.close(mine)
    sign_ins.close("unknown")

    assert sign_ins.find(mine) is None
    assert sign_ins.find(yours) is not None


def test_there_is_an_end_to_how_many_there_are(sign_ins, clock):
    first = sign_ins.open()
    clock.now += 1
    used = sign_ins.open()
    for _ in range(LIMIT):
        clock.now += 1
        sign_ins.find(used)
        sign_ins.open()

    assert len(sign_ins) == LIMIT
    assert sign_ins.find(first) is None
    assert sign_ins.find(used) is not None


def test_each_has_a_form_token_of_its_own_that_is_not_the_cookie(sign_ins):
    cookies = [sign_ins.open(), sign_ins.open()]
    tokens = [sign_ins.find(cookie).form_token for cookie in cookies]

    assert len({*cookies, *tokens}) == 4
    assert tokens[0] not in repr(sign_ins.find(cookies[0]))


def test_a_notice_is_told_once(sign_ins):
    sign_in = sign_ins.find(sign_ins.open())
    sign_in.notices.append(Notice("done"))

    assert [notice.text for notice in sign_in.take_notices()] == ["done"]
    assert sign_in.take_notices() == []
