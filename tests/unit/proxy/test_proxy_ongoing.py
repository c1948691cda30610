import asyncio
from hashlib import sha256

import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired

from gateway.authn.api_keys import DeclaredKey
from gateway.authn.authenticator import FOREIGN, NOBODY
from gateway.proxy import ongoing
from gateway.proxy.ongoing import REMEMBERED_SECONDS, key_of, keys_of
from gateway.state.feed import Invalidation

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
ASK = b"GET /orders/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\n\r\n"
UPLOAD = b"POST /orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\nContent-Length: 1000\r\n\r\nhalf"
REVOKED = Invalidation("session", session_id="session of ada")


@pytest.fixture
def wired():
    return Wired()


def age(wired, client, seconds=60.0):
    """Let the exchange have begun so long ago, and the gate notice."""
    client.connection.serving.started -= seconds
    sweep(wired)


def sweep(wired):
    wired.gate.ongoing.sweep(wired.gate.connections)


async def settle(wired):
    sweep(wired)
    for _ in range(5):
        await asyncio.sleep(0)


def streaming(wired, ask=ASK):
    client = wired.client()
    client.says(ask)
    wired.idle[0].data_received(STREAM)
    assert client.hears().endswith(b"first\r\n")
    return client


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        (REVOKED, True),
        (Invalidation("session", session_id="session of bob"), False),
        (Invalidation("token", token_hash="hash"), True),
        (Invalidation("token", token_hash="other"), False),
        (Invalidation("user", provider="staff", user_id="101"), True),
        (Invalidation("user", provider="staff", user_id="102"), False),
        (Invalidation("tenant", tenant=""), False),
        (Invalidation("all"), True),
        (Invalidation("reconnect"), False),
    ],
)
def test_a_revocation_cuts_the_event_streams_it_concerns(wired, event, ends):
    client = streaming(wired)
    age(wired, client)

    wired.gate.ongoing.invalidate(event)

    assert (client.transport.ended == "aborted") == ends
    assert (wired.erp.ended == "aborted") == ends
    assert len(wired.lines) == ends


def test_a_stream_that_was_young_when_its_session_ended_is_cut_when_it_turns_out_long(wired):
    client = streaming(wired)
    wired.gate.ongoing.invalidate(REVOKED)
    sweep(wired)
    assert not client.transport.ended

    age(wired, client)

    assert client.transport.ended == "aborted"


def test_a_revocation_before_the_request_is_none_of_its_business(wired, monkeypatch):
    monkeypatch.setattr(ongoing, "LONG_SECONDS", -1.0)
    wired.gate.ongoing.invalidate(REVOKED)
    client = streaming(wired)

    sweep(wired)

    assert len(wired.gate.ongoing.watched) == 1
    assert not client.transport.ended


def test_an_upload_is_not_ended_before_the_store_has_said_why(wired):
    client = wired.client()
    client.says(UPLOAD)
    age(wired, client)
    wired.gate.ongoing.invalidate(REVOKED)
    (one,) = wired.gate.ongoing.watched.values()

    assert one.unproved
    assert not client.transport.ended


async def test_an_upload_of_a_session_that_ended_gets_401(wired):
    client = wired.client()
    client.says(UPLOAD)
    age(wired, client)
    wired.tokens.warm.clear()
    wired.gate.ongoing.invalidate(REVOKED)

    await settle(wired)

    assert client.hears().startswith(b"HTTP/1.1 401")
    assert wired.erp.ended == "aborted"


def test_what_the_erp_is_at_work_on_is_still_answered(wired):
    client = wired.client()
    client.says(ASK)
    age(wired, client)
    wired.gate.ongoing.invalidate(REVOKED)
    sweep(wired)

    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    assert client.hears().endswith(b"\r\n\r\nok")
    assert not client.transport.ended


def test_but_an_answer_that_becomes_a_stream_is_cut(wired):
    client = wired.client()
    client.says(ASK)
    age(wired, client)
    wired.gate.ongoing.invalidate(REVOKED)
    wired.idle[0].data_received(STREAM)

    sweep(wired)

    assert client.transport.ended == "aborted"


async def test_after_the_feed_was_lost_the_store_is_asked_about_each_stream(wired):
    client = streaming(wired)
    age(wired, client)
    wired.gate.ongoing.invalidate(Invalidation("reconnect"))
    await settle(wired)
    assert not client.transport.ended

    wired.tokens.warm.clear()
    await settle(wired)
    assert not client.transport.ended, "asked once"
    wired.gate.ongoing.invalidate(Invalidation("reconnect"))
    await settle(wired)

    assert client.transport.ended == "aborted"


async def test_and_about_one_that_was_young_then(wired):
    client = streaming(wired)
    wired.tokens.warm.clear()
    wired.gate.ongoing.invalidate(Invalidation("reconnect"))
    client.connection.serving.started -= REMEMBERED_SECONDS / 2

    await settle(wired)
    await settle(wired)

    assert client.transport.ended == "aborted"


async def test_an_outage_cuts_nothing(wired):
    client = streaming(wired)
    age(wired, client)
    wired.tokens.away = True
    wired.gate.ongoing.invalidate(Invalidation("reconnect"))

    await settle(wired)

    assert not client.transport.ended


@pytest.mark.parametrize("what", ["the key is gone", "the route is gone", "all as before"])
async def test_a_reload_cuts_the_streams_that_its_configuration_vouches_for_no_more(what):
    keys = (DeclaredKey("k1", sha256(b"the-key").hexdigest(), "scanner"),)
    wired = Wired([{"name": "live", "credentials": ("api_key",), "keys": keys}])
    client = streaming(wired, ASK.replace(b"Authorization: Bearer warm", b"X-API-Key: the-key"))
    age(wired, client)

    name = "other" if what == "the route is gone" else "live"
    left = () if what == "the key is gone" else keys
    wired.gate.ongoing.reloaded(Wired([{"name": name, "credentials": ("api_key",), "keys": left}]).rules)
    await settle(wired)

    assert bool(client.transport.ended) == (what != "all as before")


@pytest.mark.parametrize("what", ["the key is gone", "the route is gone", "all as before"])
async def test_a_reload_counts_for_the_streams_that_are_too_young_to_be_watched_as_well(what):
    """One that was opened less than half a second before stayed open for good."""
    keys = (DeclaredKey("k1", sha256(b"the-key").hexdigest(), "scanner"),)
    wired = Wired([{"name": "live", "credentials": ("api_key",), "keys": keys}])
    client = streaming(wired, ASK.replace(b"Authorization: Bearer warm", b"X-API-Key: the-key"))
    sweep(wired)
    assert not wired.gate.ongoing.watched

    name = "other" if what == "the route is gone" else "live"
    left = () if what == "the key is gone" else keys
    wired.gate.ongoing.reloaded(Wired([{"name": name, "credentials": ("api_key",), "keys": left}]).rules)
    age(wired, client)
    await settle(wired)

    assert bool(client.transport.ended) == (what != "all as before")


def test_what_began_after_the_reload_is_not_judged_again(monkeypatch):
    monkeypatch.setattr(ongoing, "LONG_SECONDS", -1.0)
    wired = Wired()
    wired.gate.ongoing.reloaded(wired.rules)
    streaming(wired)

    sweep(wired)

    (one,) = wired.gate.ongoing.watched.values()
    assert not one.unproved


def test_an_anonymous_stream_is_not_watched():
    wired = Wired([{"anonymous": ("/orders/**",)}])
    client = streaming(wired, b"GET /orders/events HTTP/1.1\r\nHost: h\r\n\r\n")

    age(wired, client)

    assert not wired.gate.ongoing.watched


def test_what_is_over_is_forgotten(wired):
    client = streaming(wired)
    age(wired, client)
    assert wired.gate.ongoing.watched
    wired.idle[0].data_received(b"0\r\n\r\n")

    sweep(wired)

    assert not wired.gate.ongoing.watched
    assert not wired.gate.ongoing._by_key
    wired.gate.ongoing.invalidate(REVOKED)
    assert not client.transport.ended


@pytest.mark.parametrize("who", [NOBODY, FOREIGN])
def test_nobody_has_no_keys(who):
    assert keys_of(who) == ()


def test_an_event_is_spelled_as_the_credential_that_it_ends():
    one = verified()

    for event in (REVOKED, Invalidation("all"), Invalidation("user", provider="staff", user_id="101")):
        assert key_of(event) in keys_of(one)
