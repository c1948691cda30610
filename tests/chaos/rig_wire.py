"""The client's side of one connection: raw bytes out, whole answers in, and a look for what belongs to somebody else."""

import asyncio
import contextlib
import json
import re
import socket
import struct

PATIENCE = 15.0
"""Seconds until an answer counts as never given: far beyond every time-out of the gateway."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Broken(Exception):
    """The connection ended before an answer began."""


class Cut(Broken):
    """It ended within an answer, which can therefore not be taken for a whole one."""


class Answer:
    """One final answer with every byte of it."""

    def __init__(self, head, body):
        self.status = int(head[9:12])
        self.head = head
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def closes(self):
        return _CLOSE.search(self.head) is not None


class Wire:
    """One connection to a gateway."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address, source=None):
        """Raises Broken where nobody listens."""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(*address, local_addr=(source, 0) if source else None), PATIENCE
            )
        except (OSError, TimeoutError) as error:
            raise Broken(f"not connected: {type(error).__name__}") from error
        return cls(reader, writer)

    @property
    def usable(self):
        return not (self._reader.at_eof() or self._writer.is_closing() or self._reader.exception())

    def send(self, raw):
        self._writer.write(raw)

    async def receive(self):
        """The next final answer. Raises Broken where it ends before, TimeoutError where it never comes."""
        async with asyncio.timeout(PATIENCE):
            try:
                head = await self._head()
            except (OSError, EOFError, ValueError) as error:
                raise Broken(f"{type(error).__name__}") from error
            try:
                return Answer(head, await self._body(head))
            except (OSError, EOFError, ValueError) as error:
                raise Cut(f"{type(error).__name__} after {head!r}") from error

    async def read_some(self):
        """At most a few bytes of what comes next."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._reader.read(40)

    async def ask(self, raw):
        self.send(raw)
        return await self.receive()

    def vanish(self, *, reset):
        """Leave at once: with a reset, or with an end that is read as one once all sent bytes are."""
        if reset and (sock := self._writer.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.close()

    def close(self):
        self._writer.close()

    async def end(self):
        """Close, and wait until it is."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _head(self):
        while True:
            head = await self._reader.readuntil(b"\r\n\r\n")
            if head[9:10] != b"1":
                return head

    async def _body(self, head):
        if _CHUNKED.search(head):
            return await self._chunks()
        length = _LENGTH.search(head)
        return await self._reader.readexactly(int(length[1])) if length else b""

    async def _chunks(self):
        body = b""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readuntil(b"\r\n")
        return body


def request(method, target, credential=b"", body=None, *, chunked=False):
    """The bytes of a request; `credential` is a whole header line or nothing."""
    head = f"{method} {target} HTTP/1.1\r\nHost: chaos.example\r\n".encode() + credential
    if body is None:
        return head + b"\r\n"
    kind = b"Content-Type: application/json\r\n"
    if chunked and len(body) > 1:
        half = len(body) // 2
        framed = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (half, body[:half], len(body) - half, body[half:])
        return head + kind + b"Transfer-Encoding: chunked\r\n\r\n" + framed
    return head + kind + b"Content-Length: %d\r\n\r\n" % len(body) + body


def bearer(token):
    return f"Authorization: Bearer {token}\r\n".encode()


def post(target, value, credential=b""):
    return request("POST", target, credential, json.dumps(value).encode())
