"""Constant memory: whatever passes through the gateway, and whatever a client floods it with, is never held as a whole."""

import contextlib
import socket
import threading

import pytest
from fakes.gateway_process import GatewayProcess
from fakes.memory import resident_bytes
from fakes.plain_upstream import PlainUpstream, read_exactly, read_head
from fakes.ports import free_port

MIB = 1024 * 1024
GIB = 1024 * MIB
GROWTH = 32 * MIB
FLOOD = 100_000_000
FLOOD_GROWTH = 20 * MIB

CONFIG = """\
logs: {{access: "off", audit: "off"}}
server: {{limits: {{body_bytes: 4GiB}}}}
upstreams:
  plain: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: all, path: /**, upstream: plain, anonymous: [/**]}}
"""


class Watch:
    """The largest resident size of a process while the block runs, above what it was before."""

    def __init__(self, pid):
        self._pid = pid
        self._over = threading.Event()
        self.growth = 0

    def __enter__(self):
        self._before = resident_bytes(self._pid)
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.02):
            self.growth = max(self.growth, resident_bytes(self._pid) - self._before)


@pytest.fixture(scope="module")
def upstream_port():
    return free_port()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, upstream_port):
    process = GatewayProcess(tmp_path_factory.mktemp("memory"), CONFIG.format(port=upstream_port)).start()
    yield process
    process.stop()


@pytest.fixture
def upstream(upstream_port):
    opened = []

    def start(serve):
        opened.append(PlainUpstream(upstream_port, serve))

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def client(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as sock:
        yield sock


def drain_chunks(sock, head):
    """Read a chunked body to its end."""
    data = head
    while not data.endswith(b"0\r\n\r\n"):
        more = sock.recv(MIB)
        if not more:
            return
        data = data[-8:] + more


def answer_ok(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def send_until_refused(sock, block, total):
    """Send `block` again and again. Returns how many bytes were taken."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < total:
            sock.sendall(block)
            sent += len(block)
    return sent


def test_an_upload_of_1_gib_passes_at_constant_memory(gateway, upstream, client):
    received = []

    def serve(sock, head):
        early = len(head) - head.index(b"\r\n\r\n") - 4
        received.append(early + read_exactly(sock, GIB - early, bytearray(MIB)))
        answer_ok(sock)

    upstream(serve)
    block = bytes(MIB)

    with Watch(gateway.pid) as watch:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % GIB)
        for _ in range(GIB // MIB):
            client.sendall(block)
        answer = read_head(client)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert received == [GIB]
    assert watch.growth < GROWTH


def test_a_chunked_upload_passes_at_constant_memory(gateway, upstream, client):
    def serve(sock, head):
        drain_chunks(sock, head)
        answer_ok(sock)

    upstream(serve)
    block = b"100000\r\n" + bytes(MIB) + b"\r\n"

    with Watch(gateway.pid) as watch:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(256):
            client.sendall(block)
        client.sendall(b"0\r\n\r\n")
        answer = read_head(client)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert watch.growth < GROWTH


def test_a_download_of_1_gib_passes_at_constant_memory(gateway, upstream, client):
    block = bytes(MIB)

    def serve(sock, _head):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
        for _ in range(GIB // MIB):
            sock.sendall(block)

    upstream(serve)

    with Watch(gateway.pid) as watch:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        head = read_head(client)
        early = len(head) - head.index(b"\r\n\r\n") - 4
        received = early + read_exactly(client, GIB - early, bytearray(MIB))

    assert received == GIB
    assert watch.growth < GROWTH


@pytest.mark.parametrize("size", [1_000, 30_000, 200_000, FLOOD])
def test_a_client_that_never_reads_what_it_pipelined_fills_no_memory(gateway, upstream, client, size):
    block, answered = b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)), []

    def serve(sock, head):
        for _ in range(head.count(b"\r\n\r\n")):
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + block)
            answered.append(size)

    upstream(serve)
    client.settimeout(1)

    with Watch(gateway.pid) as watch:
        send_until_refused(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2 * FLOOD // size * 28)
        threading.Event().wait(1.5)  # whatever the gateway fetches ahead, it has fetched by now

    assert sum(answered) < FLOOD
    assert watch.growth < FLOOD_GROWTH


def test_a_client_that_does_not_read_harms_no_other(gateway, upstream, client):
    def serve(sock, head):
        size = int(head.split()[1][1:])
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size))
        )

    upstream(serve)
    client.sendall(b"GET /30000 HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
    threading.Event().wait(1)

    for _ in range(3):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as other:
            other.sendall(b"GET /5 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_head(other).startswith(b"HTTP/1.1 200 ")


def test_an_upstream_that_never_reads_fills_no_memory(gateway, upstream, client):
    over = threading.Event()
    upstream(lambda _sock, _head: over.wait(30))
    client.settimeout(1)

    with Watch(gateway.pid) as watch:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % GIB)
        sent = send_until_refused(client, bytes(MIB), GIB)
    over.set()

    assert sent < FLOOD
    assert watch.growth < FLOOD_GROWTH


@pytest.mark.parametrize(
    ("start", "block"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-Flood: aaaaaaaaaaaaaaaa\r\n" * 2000),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Endless: ", b"a" * 65536),
        (b"GET /", b"a" * 65536),
        (b"\r\n", b"\r\n" * 32768),
        (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-Trailer: aaaaaaaaaaaaaaaa\r\n" * 2000,
        ),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Endless: ", b"a" * 65536),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5", b";x=aaaaaaaaaaaaaaaaaaaaaa" * 2000),
        (b"POST /small HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 999999999\r\n\r\n", b"a" * 65536),
    ],
    ids=[
        "headers",
        "one header",
        "target",
        "empty lines",
        "trailers",
        "one trailer",
        "chunk extensions",
        "refused body",
    ],
)
def test_a_flood_of_100_mb_fills_no_memory(gateway, upstream, client, start, block):
    def serve(sock, _head):
        while sock.recv(MIB):
            pass

    upstream(serve)

    with Watch(gateway.pid) as watch:
        client.sendall(start)
        send_until_refused(client, block, FLOOD)

    assert watch.growth < FLOOD_GROWTH


def test_a_million_chunks_of_one_byte_fill_no_memory(gateway, upstream, client):
    def serve(sock, head):
        drain_chunks(sock, head)
        answer_ok(sock)

    upstream(serve)

    with Watch(gateway.pid) as watch:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            client.sendall(b"1\r\na\r\n" * 10_000)
        client.sendall(b"0\r\n\r\n")
        answer = read_head(client)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert watch.growth < FLOOD_GROWTH


def test_an_answer_in_a_million_chunks_or_behind_a_flood_of_hints_fills_no_memory(gateway, upstream, client):
    def serve(sock, _head):
        for _ in range(100):
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            sock.sendall(b"1\r\na\r\n" * 10_000)
        sock.sendall(b"0\r\n\r\n")

    upstream(serve)

    with Watch(gateway.pid) as watch:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        drain_chunks(client, b"")

    assert watch.growth < FLOOD_GROWTH


def test_the_gateway_said_nothing_of_all_this(gateway):
    assert gateway.process.poll() is None
    assert '"level":"error"' not in gateway.stderr
