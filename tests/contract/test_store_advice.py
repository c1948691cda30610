"""A store whose settings are unsafe is warned of, once. On both servers."""

from fakes.waiting import eventually

from gateway.state.advice import StoreAdvice
from gateway.state.feed import Feed


async def test_an_eviction_policy_is_warned_of_once(own_server, clock, caplog):
    store = own_server.connect(clock)
    own_server.admin("CONFIG", "SET", "maxmemory", "500mb", "maxmemory-policy", "allkeys-lru")
    feed = Feed(store)
    StoreAdvice(store.calls).follow(feed)
    await feed.start()
    await eventually(lambda: "maxmemory-policy allkeys-lru" in caplog.text)

    own_server.admin("CLIENT", "KILL", "TYPE", "pubsub")
    await eventually(lambda: feed.generation == 2 and feed.alive)

    assert caplog.text.count("maxmemory-policy allkeys-lru") == 1
    assert "appendonly no" not in caplog.text
    await feed.stop()
    await store.close()


async def test_a_store_that_fails_or_forbids_it_is_not_judged(own_server, clock, caplog):
    store = own_server.connect(clock, timeout=0.5)
    own_server.admin("ACL", "SETUSER", "default", "-info")
    await StoreAdvice(store.calls).look()
    own_server.kill()

    await StoreAdvice(store.calls).look()

    assert caplog.text == ""
    await store.close()
