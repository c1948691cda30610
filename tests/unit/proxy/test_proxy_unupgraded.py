import httptools
import pytest

from gateway.proxy.head import RequestHead
from gateway.proxy.unupgraded import Unupgraded


class Events:
    """Writes down what a parser says."""

    def __init__(self):
        self.said = []

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *details: self.said.append((name, *details))


def head(**fields):
    made = RequestHead("POST", b"/", [], keep_alive=True)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("fields", "rest", "said"),
    [
        ({}, b"", ["on_message_complete"]),
        ({"content_length": 2}, b"ok", ["on_body", "on_message_complete"]),
        ({"chunked": True}, b"2\r\nok\r\n0\r\nT: 1\r\n\r\n", ["on_body", "on_header", "on_message_complete"]),
    ],
)
def test_the_body_is_read_as_if_nothing_had_been_asked(fields, rest, said):
    events = Events()
    shim = Unupgraded(events)

    shim.parser.feed_data(shim.framing(head(**fields)) + rest)

    assert [name for name, *_ in events.said if "chunk" not in name] == said


def test_the_next_request_is_the_clients_own():
    events = Events()
    shim = Unupgraded(events)

    shim.parser.feed_data(shim.framing(head()) + b"GET /next HTTP/1.1\r\nA: 1\r\n\r\n")

    assert ("on_url", b"/next") in events.said
    assert ("on_header", b"A", b"1") in events.said
    assert [name for name, *_ in events.said].count("on_headers_complete") == 1


def test_an_upgrade_in_the_next_request_is_llhttps_business_again():
    events = Events()
    shim = Unupgraded(events)

    with pytest.raises(httptools.HttpParserUpgrade):
        shim.parser.feed_data(
            shim.framing(head()) + b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
