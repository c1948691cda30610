import pytest
from fakes.assembling import Assembler
from fakes.clock import Clock

from gateway.app.state import start_state

REDIS = "{url: 'redis://user:hush@127.0.0.1:1/0', encryption_key: 0123456789abcdef0123456789abcdef}"
KEYS = "[{kid: k, algorithm: HS256, secret: 0123456789abcdef0123456789abcdef}]"


@pytest.fixture
def assembler(tmp_path):
    made = Assembler(tmp_path)
    yield made
    made.checks.close()


async def test_an_unreachable_redis_is_no_error(assembler):
    state = await start_state(assembler.load(store=REDIS.replace("user:hush@", ""), signing_keys=KEYS), Clock())

    assert state.embedded is None
    assert state.made_secret is None, "every gateway on it needs the same ones"
    assert not state.feed.alive
    await state.stop()


async def test_the_embedded_store_is_started_in_its_directory_and_stopped_last(assembler, tmp_path):
    state = await start_state(assembler.load(store="{url: 'embedded://state'}"), Clock())

    assert str(tmp_path / "state") in state.described
    secret = state.made_secret("some.key", 32)
    assert state.made_secret("some.key", 32) == secret
    assert (tmp_path / "state" / "some.key").stat().st_mode & 0o777 == 0o600
    await state.store.ping()
    await state.stop()
