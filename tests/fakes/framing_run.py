"""Feeds a gateway with fuzzed streams and compares what the client framed with what the upstream was sent."""

import asyncio
import contextlib
import random
import re
import socket
from collections import Counter

from fakes.framing import Incomplete, Malformed, read_all, read_request
from fakes.framing_cases import pieces, stream

LANES = 12
QUIET_SECONDS = 0.1
END_SECONDS = 20.0

CONFIG = """\
logs: {{access: "off", audit: "off"}}
upstreams:
  strict: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: all, path: /**, upstream: strict, anonymous: [/**]}}
"""

_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) [^\r\n]*\r\n")


class Disagreement(AssertionError):
    """The gateway framed a stream in another way than the referee."""


class StrictUpstream(asyncio.Protocol):
    """Reads requests by the referee's rules and answers each at once, with what it was; keeps count of them all."""

    def __init__(self, run):
        self._run = run
        self._data = b""
        self._told = False

    def connection_made(self, transport):
        self._transport = transport
        self._run.transports.append(transport)

    def data_received(self, data):
        self._data += data
        while self._data:
            try:
                framed = read_request(self._data)
            except Incomplete:
                self._continue()
                return
            except Malformed as error:
                self._run.fail(f"the upstream was sent no HTTP: {error}: {self._data!r}")
                return
            self._data = self._data[framed.end :]
            self._told = False
            self._run.seen(framed)
            self._transport.write(_answer(framed))

    def _continue(self):
        if not self._told and b"\r\n\r\n" in self._data and b"\r\nExpect: 100-continue\r\n" in self._data:
            self._told = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


class Run:
    """Cases `first` to `first + count` of a seed."""

    def __init__(self, seed, first, count):
        self._seed = seed
        self._numbers = iter(range(first, first + count))
        self._owed = Counter()
        """What clients framed and no upstream has seen yet."""
        self.failures = []
        self.transports = []
        self.forwarded = 0
        self.answers = Counter()

    async def against(self, host, port):
        """Send all cases; `failures` tells what was wrong."""
        await asyncio.gather(*(self._lane(host, port) for _ in range(LANES)))

    def seen(self, framed):
        """The upstream was sent a request."""
        self.forwarded += 1
        hosts, peers = framed.values(b"host"), framed.values(b"x-forwarded-for")
        if len(hosts) != 1 or peers != [b"127.0.0.1"] or framed.values(b"x-auth-user"):
            self.fail(f"the upstream was sent headers that it must not get: {framed}")
        if self._owed[framed.key] <= 0:
            self.fail(f"the upstream was sent a request that no client framed: {framed}")
        self._owed[framed.key] -= 1

    def fail(self, what):
        """Remember what went wrong."""
        self.failures.append(what)

    async def _lane(self, host, port):
        for number in self._numbers:
            if self.failures:
                return
            rng = random.Random(f"{self._seed}/{number}")
            data, intact = stream(rng, number)
            requests = read_all(data)
            # HTTP/1.0 may be answered without a length, which ends the connection.
            intact = intact and requests[-1:] and requests[-1].end == len(data) and all(r.minor for r in requests)
            self._owed.update(framed.key for framed in requests)
            try:
                received, ended = await _converse(host, port, pieces(rng, data), rng)
                self._judge(requests, received, intact=intact and ended)
            except Disagreement as error:
                self.fail(f"seed {self._seed} case {number}: {error!r}\n{data!r}")

    def _judge(self, requests, received, *, intact):
        answers = _read_answers(received, requests)
        if intact and len(answers) < len(requests):
            raise Disagreement(f"{len(answers)} answers to {len(requests)} good requests: {received!r}")
        self.answers.update(status for status, _ in answers)
        if len(answers) > len(requests) + 1:
            raise Disagreement(f"{len(answers)} answers to {len(requests)} requests: {received!r}")
        for (_, echo), framed in zip(answers, requests, strict=False):
            if echo is not None and echo != _echo(framed):
                raise Disagreement(f"an answer to {echo!r} was given to {framed}")
        if any(echo is not None for _, echo in answers[len(requests) :]):
            raise Disagreement(f"an answer to nothing: {received!r}")


async def _converse(host, port, parts, rng):
    """Send the parts and return all that comes back, and whether the client stopped sending and waited for the end."""
    loop = asyncio.get_running_loop()
    ends = rng.random() < 0.85
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, (host, port))
        with contextlib.suppress(OSError):
            for part in parts:
                await loop.sock_sendall(sock, part)
                if rng.random() < 0.5:
                    await asyncio.sleep(rng.choice((0, 0.0005, 0.002)))
            if ends:
                sock.shutdown(socket.SHUT_WR)
        return await _receive(sock, to_the_end=ends), ends


async def _receive(sock, *, to_the_end):
    """All that comes until the gateway closes, or until it has been quiet for a while."""
    loop, received = asyncio.get_running_loop(), b""
    try:
        while more := await asyncio.wait_for(loop.sock_recv(sock, 65536), END_SECONDS if to_the_end else QUIET_SECONDS):
            received += more
    except TimeoutError:
        if to_the_end:
            raise Disagreement(f"the connection was left open after {received!r}") from None
    except OSError:
        pass  # reset, which ends it as well
    return received


def _echo(framed):
    method, target, body = framed.key
    return b"%b %b %d" % (method, target, len(body))


def _answer(framed):
    head = b"HTTP/1.1 200 OK\r\nX-Echo: %b\r\n" % _echo(framed)
    kind = len(framed.target) % 3
    if framed.method == b"HEAD":
        return head + b"Content-Length: 5\r\n\r\n"
    if kind == 0:
        return head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    return head + b"Content-Length: 5\r\n\r\nhello"


def _read_answers(received, requests):
    """Status and X-Echo of each final answer."""
    answers, at = [], 0
    while at < len(received):
        line = _STATUS.match(received, at)
        end = received.find(b"\r\n\r\n", at)
        if line is None or end < 0:
            raise Disagreement(f"no answer at {at}: {received!r}")
        head, at = received[at : end + 2].lower(), end + 4
        status = int(line[1])
        if status < 200:
            continue
        index = len(answers)
        bodyless = index < len(requests) and requests[index].method == b"HEAD"
        at = _skip_body(received, head, at, bodyless=bodyless)
        echo = re.search(rb"\r\nX-Echo: ([^\r\n]*)\r\n", received[line.start() : end + 2])
        answers.append((status, echo[1] if echo else None))
    return answers


def _skip_body(received, head, at, *, bodyless):
    if bodyless and (b"\r\nconnection: close\r\n" not in head or at == len(received)):
        return at  # what could not be read as a HEAD is refused with a body
    if b"\r\ntransfer-encoding: chunked\r\n" in head:
        end = received.find(b"0\r\n\r\n", at)
        if end < 0:
            raise Disagreement(f"a chunked answer without its end: {received!r}")
        return end + 5
    length = re.search(rb"\r\ncontent-length: ([0-9]+)\r\n", head)
    return at + int(length[1]) if length else len(received)


async def fuzz(gateway_port, upstream_port, *, seed, first, count):
    """Run the cases against a gateway that forwards to `upstream_port`."""
    run = Run(seed, first, count)
    server = await asyncio.get_running_loop().create_server(lambda: StrictUpstream(run), "127.0.0.1", upstream_port)
    async with server:
        await run.against("127.0.0.1", gateway_port)
        for transport in run.transports:
            transport.abort()
        await asyncio.sleep(0)
    return run
