"""What endpoints read and answer shows no secret to a log."""

from gateway.model import Call, Reply


def test_no_repr_shows_a_password_or_a_cookie():
    call = Call("POST", "/auth/login", "access_token=the-query", {"cookie": "the-cookie"}, b"the-password")
    reply = Reply(200, b"the-body", ((b"Set-Cookie", b"the-reply-cookie"),))

    assert "the-" not in repr(call) + repr(reply)
