"""OAuth2 clients: argon2 once, then a short memory; unknown ids cost the same."""

import asyncio

import pytest
from fakes.token_rig import CLIENT_HASH, CLIENT_SECRET, CLIENTS

from gateway.broker import clients as module
from gateway.broker.clients import OAuthClients
from gateway.errors import Unavailable
from gateway.model import OAuthClient


class CountedChecks:
    """The real checks, with the hashes they were asked for."""

    def __init__(self, checks):
        self._checks = checks
        self.asked = []

    async def matches(self, password_hash, password):
        self.asked.append(password_hash)
        return await self._checks.matches(password_hash, password)


@pytest.fixture
def counted(checks):
    return CountedChecks(checks)


async def test_the_right_secret_is_hashed_once_and_then_remembered(counted):
    clients = OAuthClients(CLIENTS, counted)

    for _ in range(3):
        assert (await clients.authenticate("portal", CLIENT_SECRET)).id == "portal"

    assert counted.asked == [CLIENT_HASH]


async def test_the_memory_is_short(counted):
    clients = OAuthClients(CLIENTS, counted, memory=0.0)

    for _ in range(2):
        assert await clients.authenticate("portal", CLIENT_SECRET)

    assert len(counted.asked) == 2


@pytest.mark.parametrize("client_id", ["portal", "unknown", ""])
async def test_a_wrong_secret_and_an_unknown_client_cost_one_hash_each_time(counted, client_id):
    clients = OAuthClients(CLIENTS, counted)

    for _ in range(2):
        assert await clients.authenticate(client_id, "wrong") is None

    assert len(counted.asked) == 2
    assert [each.split("$")[3] for each in counted.asked] == [CLIENT_HASH.split("$")[3]] * 2


async def test_one_client_s_secret_is_not_another_s_memory(counted):
    clients = OAuthClients([*CLIENTS, OAuthClient("portals", CLIENT_HASH)], counted)
    await clients.authenticate("portal", CLIENT_SECRET)

    assert await clients.authenticate("portal" + CLIENT_SECRET[0], CLIENT_SECRET[1:]) is None
    assert await clients.authenticate("unknown", CLIENT_SECRET) is None


async def test_many_at_once_share_one_check(counted):
    clients = OAuthClients(CLIENTS, counted)

    found = await asyncio.gather(*(clients.authenticate("portal", CLIENT_SECRET) for _ in range(20)))

    assert {client.id for client in found} == {"portal"}
    assert len(counted.asked) == 1


async def test_a_caller_that_leaves_does_not_end_the_check_for_the_others(counted):
    clients = OAuthClients(CLIENTS, counted)
    leaving = asyncio.ensure_future(clients.authenticate("portal", CLIENT_SECRET))
    staying = asyncio.ensure_future(clients.authenticate("portal", CLIENT_SECRET))
    await asyncio.sleep(0)

    leaving.cancel()

    assert (await staying).id == "portal"
    assert len(counted.asked) == 1


async def test_a_full_queue_is_an_outage_and_no_wrong_secret(checks):
    checks._room = 0
    clients = OAuthClients(CLIENTS, checks)

    with pytest.raises(Unavailable):
        await clients.authenticate("portal", CLIENT_SECRET)


async def test_without_clients_nobody_is_one(checks):
    assert await OAuthClients([], checks).authenticate("portal", "x") is None


PLACE = "192.0.2.7"
RIGHT = ("portal", CLIENT_SECRET)


def test_only_a_secret_that_was_right_lately_is_remembered(counted):
    clients = OAuthClients(CLIENTS, counted)
    assert clients.remembered([RIGHT], PLACE) is None
    clients.remember(*RIGHT, PLACE)

    assert clients.remembered([RIGHT], PLACE).id == "portal"
    assert clients.remembered([("portal", "another reading of it"), RIGHT], PLACE).id == "portal"
    assert clients.remembered([("unknown", CLIENT_SECRET)], PLACE) is None
    assert OAuthClients(CLIENTS, counted).remembered([RIGHT], PLACE) is None


def test_a_secret_is_remembered_where_it_was_right(counted):
    clients = OAuthClients(CLIENTS, counted)
    clients.remember(*RIGHT, PLACE)

    assert clients.remembered([RIGHT], "192.0.2.8") is None


def test_a_guess_ends_the_memory_so_that_the_next_one_is_counted(counted):
    clients = OAuthClients(CLIENTS, counted)
    clients.remember(*RIGHT, PLACE)

    assert clients.remembered([("portal", "a guess")], PLACE) is None
    assert clients.remembered([RIGHT], PLACE) is None


def test_the_memory_of_places_is_bounded_and_short(counted):
    clients, forgetful = OAuthClients(CLIENTS, counted), OAuthClients(CLIENTS, counted, memory=0.0)
    forgetful.remember(*RIGHT, PLACE)

    for number in range(module._MOST_PLACES + 1):
        clients.remember(*RIGHT, str(number))

    assert clients.remembered([RIGHT], "0") is None
    assert clients.remembered([RIGHT], "1").id == "portal"
    assert forgetful.remembered([RIGHT], PLACE) is None


@pytest.mark.parametrize(
    ("client_id", "login", "found"),
    [
        ("portal", "native", True),
        ("elsewhere", "native", True),
        ("elsewhere", "oauth2", False),
        ("gone", "native", False),
    ],
)
def test_a_client_is_listed_for_the_logins_it_may_use(counted, client_id, login, found):
    assert (OAuthClients(CLIENTS, counted).listed(client_id, login) is not None) == found
