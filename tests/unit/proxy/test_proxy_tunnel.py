import asyncio
from base64 import b64encode
from hashlib import sha1, sha256

import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired

from gateway.authn.api_keys import DeclaredKey
from gateway.authn.session_cookies import CookieLogin, CookieUse
from gateway.model import CookieRule
from gateway.proxy import tunnel as tunnel_module
from gateway.state.feed import Invalidation

KEY = b64encode(b"0123456789abcdef")
ACCEPT = b64encode(sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
ASK = (
    b"GET /orders/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Authorization: Bearer warm\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)
AGREE = (
    b"HTTP/1.1 101 Whatever\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nX-Auth-User: leaked\r\n"
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n"
)


@pytest.fixture
def wired():
    return Wired()


def open_tunnel(wired, early=b"", late=b""):
    client = wired.client()
    client.says(ASK + early)
    wired.erp.take()
    wired.idle[0].data_received(AGREE + late)
    return client


def only(wired):
    (opened,) = wired.gate.ongoing.watched.values()
    return opened


def test_bytes_go_to_the_other_side(wired):
    client = open_tunnel(wired, early=b"early", late=b"late")
    heard = client.hears()
    assert heard.startswith(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    assert b"Sec-WebSocket-Accept: " + ACCEPT in heard
    assert b"leaked" not in heard
    assert heard.endswith(b"\r\n\r\nlate")
    assert wired.erp.take() == b"early"

    client.transport.protocol.data_received(b"from the client")
    wired.erp.protocol.data_received(b"from the ERP")

    assert wired.erp.take() == b"from the client"
    assert client.hears() == b"from the ERP"


@pytest.mark.parametrize(
    "answer",
    [
        AGREE.replace(ACCEPT, ACCEPT.swapcase()),
        AGREE.replace(b"Upgrade: WebSocket", b"Upgrade: h2c"),
        AGREE.replace(b"Sec-WebSocket-Accept", b"X-Accept"),
    ],
)
def test_a_101_to_something_else_is_no_tunnel(wired, answer):
    client = wired.client()
    client.says(ASK)

    wired.idle[0].data_received(answer)

    assert client.hears().startswith(b"HTTP/1.1 502")
    assert wired.erp.ended == "aborted"
    assert not wired.gate.ongoing.watched


def test_an_answer_that_is_no_101_is_passed_on(wired):
    client = wired.client()
    client.says(ASK)

    wired.idle[0].data_received(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")

    assert client.hears().endswith(b"\r\n\r\nno")
    assert not wired.gate.ongoing.watched


@pytest.mark.parametrize("side", ["client", "upstream"])
@pytest.mark.parametrize("how", ["eof", "lost"])
def test_when_one_side_ends_both_do_and_it_is_logged_once(wired, side, how):
    client = open_tunnel(wired)
    transport = client.transport if side == "client" else wired.erp
    wired.erp.protocol.data_received(b"12345")

    transport.protocol.eof_received() if how == "eof" else transport.protocol.connection_lost(None)
    wired.erp.protocol.connection_lost(None)
    client.transport.protocol.connection_lost(None)

    assert client.transport.ended == wired.erp.ended == "closed"
    assert len(wired.lines) == 1
    assert wired.lines[0][4] == 101
    assert wired.lines[0][8] == 5
    assert wired.gate.connections == set()


@pytest.mark.parametrize(
    ("event", "closes"),
    [
        (Invalidation("session", session_id="session of ada"), True),
        (Invalidation("session", session_id="session of bob"), False),
        (Invalidation("token", token_hash="hash"), True),
        (Invalidation("token", token_hash="other"), False),
        (Invalidation("user", provider="staff", user_id="101"), True),
        (Invalidation("user", provider="other", user_id="101"), False),
        (Invalidation("tenant", tenant=""), False),
        (Invalidation("all"), True),
        (Invalidation("reconnect"), False),
    ],
)
def test_a_revocation_closes_what_it_concerns(wired, event, closes):
    client = open_tunnel(wired)

    wired.gate.ongoing.invalidate(event)

    assert bool(client.transport.ended) == closes


def test_it_closes_when_the_token_has_expired(wired):
    client = open_tunnel(wired)
    only(wired).exchange.verified.expires_at = 1.0

    wired.gate.ongoing.sweep(())

    assert client.transport.ended == "closed"


async def prove(wired):
    wired.gate.ongoing.sweep(())
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_store_is_asked_once_after_it_opened(wired):
    """A logout between the decision and the 101 was heard by nobody."""
    client = open_tunnel(wired)
    wired.tokens.warm.clear()

    await prove(wired)

    assert client.transport.ended == "closed"


async def test_it_is_asked_again_after_the_feed_was_lost_and_only_then(wired):
    client = open_tunnel(wired)
    await prove(wired)
    wired.tokens.warm.clear()
    await prove(wired)
    assert not client.transport.ended

    wired.gate.ongoing.invalidate(Invalidation("reconnect"))
    await prove(wired)

    assert client.transport.ended == "closed"


async def test_an_outage_closes_nothing_and_is_asked_about_again(wired):
    client = open_tunnel(wired)
    wired.tokens.away = True
    await prove(wired)
    assert not client.transport.ended

    wired.tokens.away = False
    wired.tokens.warm.clear()
    await prove(wired)

    assert client.transport.ended == "closed"


async def test_where_foreign_cookies_pass_one_that_has_died_closes_its_tunnel_all_the_same():
    async def slide(session):
        return session.expires_at

    cookies = CookieUse((CookieLogin("odoo", CookieRule("session_id", 60), slide),))
    wired = Wired([{"credentials": ("cookie",), "cookies": cookies, "foreign": True}])
    wired.tokens.warm = {b"gwa_x": verified(login="odoo")}
    client = wired.client()
    client.says(ASK.replace(b"Authorization: Bearer warm", b"Cookie: session_id=gwa_x"))
    wired.idle[0].data_received(AGREE)
    await prove(wired)
    assert not client.transport.ended

    wired.tokens.warm.clear()
    wired.gate.ongoing.invalidate(Invalidation("reconnect"))
    await prove(wired)

    assert client.transport.ended == "closed"


def test_no_deadline_of_the_answer_ends_it(wired):
    """It was cut when the upstream's idle time-out had passed since the 101, however busy it was."""
    client = open_tunnel(wired)

    assert client.connection.deadline == float("inf")


@pytest.mark.parametrize("what", ["the key is gone", "the route is gone", "all as before"])
async def test_a_reload_closes_what_its_configuration_vouches_for_no_more(what):
    keys = (DeclaredKey("k1", sha256(b"the-key").hexdigest(), "scanner"),)
    wired = Wired([{"name": "live", "credentials": ("api_key",), "keys": keys}])
    client = wired.client()
    client.says(ASK.replace(b"Authorization: Bearer warm", b"X-API-Key: the-key"))
    wired.idle[0].data_received(AGREE)

    name = "other" if what == "the route is gone" else "live"
    left = () if what == "the key is gone" else keys
    wired.gate.ongoing.reloaded(Wired([{"name": name, "credentials": ("api_key",), "keys": left}]).rules)
    await prove(wired)

    assert bool(client.transport.ended) == (what != "all as before")


async def test_a_reload_between_the_decision_and_the_101_counts_too(wired):
    client = wired.client()
    client.says(ASK)
    wired.gate.rules = Wired([{"name": "other"}]).rules
    wired.gate.ongoing.reloaded(wired.gate.rules)

    wired.idle[0].data_received(AGREE)

    assert client.transport.ended == "closed"


async def test_a_reload_closes_the_tunnels_of_a_user_who_is_gone_or_lost_a_role(wired):
    client = open_tunnel(wired)
    after = Wired()
    after.tokens.warm = {b"warm": verified(roles=frozenset({"other"}))}

    wired.gate.ongoing.reloaded(after.rules)
    await prove(wired)

    assert client.transport.ended == "closed"


def test_back_pressure_goes_to_the_other_side(wired):
    client = open_tunnel(wired)

    client.transport.protocol.pause_writing()
    assert (client.transport.reading, wired.erp.reading) == (True, False)
    client.transport.protocol.resume_writing()
    assert wired.erp.reading
    wired.erp.protocol.pause_writing()
    assert not client.transport.reading


async def test_a_peer_that_never_reads_is_cut(wired, monkeypatch):
    monkeypatch.setattr(tunnel_module, "LINGER_SECONDS", 0)
    client = open_tunnel(wired)
    client.transport.buffered = 1000

    wired.gate.ongoing.stop()
    assert client.transport.ended == "closed"
    await asyncio.sleep(0.001)

    assert client.transport.ended == "aborted"
    assert wired.erp.ended == "closed"


def close_codes(wired, client):
    """What both ends were told last, if it is a Close frame."""
    told = client.hears()[-4:], wired.erp.take()[-8:]
    code = int.from_bytes(told[0][2:], "big") if told[0][:2] == b"\x88\x02" else None
    masked = (
        bytes(a ^ b for a, b in zip(told[1][2:6], told[1][6:], strict=False)) if told[1][:2] == b"\x88\x82" else b""
    )
    return code, int.from_bytes(masked, "big") if masked else None


def test_both_ends_are_told_that_the_session_is_over(wired):
    client = open_tunnel(wired)

    wired.gate.ongoing.invalidate(Invalidation("all"))

    assert close_codes(wired, client) == (1008, 1008)
    assert client.transport.ended == wired.erp.ended == "closed"


def test_both_ends_are_told_that_the_gateway_stops(wired):
    client = open_tunnel(wired)

    wired.gate.ongoing.stop()

    assert close_codes(wired, client) == (1001, 1001)


def test_nothing_is_said_in_the_middle_of_a_frame(wired):
    client = open_tunnel(wired, late=b"\x81\x05hel")
    client.transport.protocol.data_received(b"\x81\x85mask")

    wired.gate.ongoing.stop()

    assert close_codes(wired, client) == (None, None)


def test_nor_after_a_close_frame_of_their_own(wired):
    client = open_tunnel(wired, late=b"\x88\x00")
    client.transport.protocol.data_received(b"\x88\x80mask")

    wired.gate.ongoing.stop()

    assert close_codes(wired, client) == (None, None)
