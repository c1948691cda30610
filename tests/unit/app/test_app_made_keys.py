"""Keys as an operator makes them, on the real store."""

import pytest
from fakes.assembling import Assembler
from fakes.clock import Clock
from fakes.servers import StoreServer

from gateway.admin.control import KeyView
from gateway.app import made_keys
from gateway.errors import BadRequest
from gateway.state.key_records import KeyRecords
from gateway.tokens.opaque import api_key_id


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = StoreServer("valkey", tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.stop()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def records(server, clock):
    server.admin("FLUSHALL")
    store = server.connect(clock)
    yield KeyRecords(store)
    await store.close()


@pytest.fixture
def config(tmp_path):
    return Assembler(tmp_path)().config


async def test_what_was_made_is_listed_without_the_key(records, config, clock):
    wanted = KeyView("k1", "scanner", ("warehouse",), ("read",), (), clock(), clock() + 60)

    key = await made_keys.make(records, config, wanted, clock)

    assert api_key_id(key) == "k1"
    (listed,) = await made_keys.listed(records)
    assert (listed.id, listed.user, listed.roles, listed.scopes) == ("k1", "scanner", ("warehouse",), ("read",))
    assert (listed.created, listed.expires) == (clock(), clock() + 60)
    assert key not in str(listed)


async def test_a_key_is_ended_by_its_id(records, config, clock):
    await made_keys.make(records, config, KeyView("k1", "scanner"), clock)

    assert await made_keys.revoke(records, "k1")

    assert not await made_keys.listed(records)
    assert not await made_keys.revoke(records, "k1")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (KeyView("", "u"), "1 to 64 letters"),
        (KeyView("a b", "u"), "1 to 64 letters"),
        (KeyView("k" * 65, "u"), "1 to 64 letters"),
        (KeyView("k1", "u\nv"), "line break"),
        (KeyView("k1", "u", roles=("a\x00",)), "line break"),
        (KeyView("k1", "u", routes=("nowhere",)), 'no route named "nowhere" takes API keys'),
        (KeyView("k1", "u", expires=1.0), "expired already"),
        (KeyView("k1", "u", expires=float("nan")), "expired already"),
        (KeyView("k1", "u", expires=1e17), "more than a hundred years"),
        (KeyView("k1", "u", expires=10**400), "more than a hundred years"),
        (KeyView("k1", "u", expires=float("inf")), "more than a hundred years"),
        (KeyView("k1", "half \ud800"), "no text"),
        (KeyView("k1", "u", roles=("a\u2028b",)), "line break"),
        (KeyView("k1", "u" * 257), "longer than 256"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_reason(records, config, clock, wanted, said):
    with pytest.raises(BadRequest, match=said):
        await made_keys.make(records, config, wanted, clock)

    assert not await made_keys.listed(records)


async def test_an_id_is_used_once_and_never_that_of_a_declared_key(records, config, clock):
    await made_keys.make(records, config, KeyView("k1", "u"), clock)
    await made_keys.revoke(records, "k1")
    with pytest.raises(BadRequest, match="an id is used once"):
        await made_keys.make(records, config, KeyView("k1", "u"), clock)

    declared = config.model_copy(update={"api_keys": (KeyView("k2", "u"),)})
    with pytest.raises(BadRequest, match="is the id of a key in the configuration"):
        await made_keys.make(records, declared, KeyView("k2", "u"), clock)
