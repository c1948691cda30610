"""A request whose upgrade is not granted (h2c and the like): its body is read as if it had not asked.

llhttp ends a message at every `Upgrade:` and hands the rest back. A second parser is fed a head with the same framing
and without the upgrade; its events go to the connection, but for that head, which has been read already.
"""

from typing import Protocol

import httptools

from gateway.proxy.head import RequestHead


class ParserEvents(Protocol):
    """llhttp's callbacks."""

    def on_message_begin(self) -> None:
        """A message's first byte."""

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""

    def on_headers_complete(self) -> None:
        """The head's end."""

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""

    def on_message_complete(self) -> None:
        """The message's end."""


class Unupgraded:
    """Stands between a fresh parser and the connection until the first head is over."""

    def __init__(self, events: ParserEvents) -> None:
        self._events = events
        self._skipping = True
        self.on_body = events.on_body
        self.parser = httptools.HttpRequestParser(self)  # looks the callbacks up now

    def framing(self, head: RequestHead) -> bytes:
        """A head that says where the body of `head` ends, and nothing else."""
        framing = b"Transfer-Encoding: chunked" if head.chunked else b"Content-Length: %d" % max(head.content_length, 0)
        return b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n"

    def on_message_begin(self) -> None:
        """Skipped for the head that is not the client's."""
        if not self._skipping:
            self._events.on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Skipped likewise."""
        if not self._skipping:
            self._events.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Skipped in the head; the trailers are the client's."""
        if not self._skipping:
            self._events.on_header(name, value)

    def on_headers_complete(self) -> None:
        """The rest is the client's own."""
        if self._skipping:
            self._skipping = False
        else:
            self._events.on_headers_complete()

    def on_message_complete(self) -> None:
        """Passed on."""
        self._events.on_message_complete()
