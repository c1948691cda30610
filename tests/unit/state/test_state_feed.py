"""What the messages of the scripts mean."""

import pytest

from gateway.state.feed import Invalidation, _read

TABLE = [
    (b'["session","s1"]', Invalidation("session", session_id="s1")),
    (b'["token","ab"]', Invalidation("token", token_hash="ab")),
    (b'["user","staff","101",1.5]', Invalidation("user", provider="staff", user_id="101", not_before=1.5)),
    (b'["tenant","Garden",1.5]', Invalidation("tenant", tenant="Garden", not_before=1.5)),
    (b'["all",1.5]', Invalidation("all", not_before=1.5)),
]
UNREADABLE = [b"", b"{", b"7", b"null", b'["session"]', b'["session",1]', b'["all","now"]', b'["new","x"]', b"\xff"]


@pytest.mark.parametrize(("data", "meaning"), TABLE)
def test_a_message_says_what_ended(data, meaning):
    assert _read(data) == meaning


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_cannot_be_read_may_have_ended_anything(data):
    assert _read(data) == Invalidation("reconnect")
