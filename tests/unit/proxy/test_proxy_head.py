import pytest

from gateway.proxy.head import RequestHead


def head(**fields):
    made = RequestHead("GET", b"/", [], keep_alive=True)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("fields", "framing", "body"),
    [
        ({}, False, False),
        ({"content_length": 0}, True, False),
        ({"content_length": 1}, True, True),
        ({"chunked": True}, True, True),
        ({"upgrade": b"websocket"}, True, False),
    ],
)
def test_what_must_be_said_of_a_body(fields, framing, body):
    assert head(**fields).has_framing == framing
    assert head(**fields).has_body == body


def test_a_repeated_head_is_a_copy_that_may_be_changed():
    template = head(copied=[b"A", b": ", b"1", b"\r\n"], authorization=b"Bearer x", host=b"h", request_id=b"r")
    repeated = head()

    repeated.repeat(template)
    repeated.copied.append(b"more")
    repeated.authorization = None

    assert template.copied == [b"A", b": ", b"1", b"\r\n"]
    assert (template.authorization, repeated.host, repeated.request_id) == (b"Bearer x", b"h", b"r")
