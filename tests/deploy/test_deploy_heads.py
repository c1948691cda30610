"""Heads as large as the gateway takes pass through every recipe, both ways; proxies have less room unless they are told."""

import pytest
from fakes.asking_fronts import ASKING
from fakes.asking_fronts import RECIPES as ASKED
from fakes.authority import write_certificates
from fakes.fronts import FRONTS, HOST, TlsClient, replaced
from fakes.gateway_process import GatewayProcess
from fakes.plain_upstream import PlainUpstream
from fakes.ports import free_port

VALUE = "v" * 1000
LARGE = [("Cookie", "; ".join(f"c{number}={VALUE}" for number in range(8)))]
LARGE += [(f"X-Large-{number}", VALUE) for number in range(20)]


def serve(sock, head):
    """Says how large the head was, in an answer whose own head is large."""
    cookies = "".join(f"Set-Cookie: c{number}={VALUE}\r\n" for number in range(28))
    body = str(len(head))
    sock.sendall(f"HTTP/1.1 200 OK\r\n{cookies}Content-Length: {len(body)}\r\n\r\n{body}".encode())


@pytest.fixture(scope="module")
def erp_port():
    port = free_port()
    upstream = PlainUpstream(port, serve)
    yield port
    upstream.close()


@pytest.fixture(scope="module")
def gateway(erp_port, tmp_path_factory):
    """In the path or asked: what ships for the latter does both."""
    config = replaced((ASKED / "gateway.yaml").read_text(), ("http://127.0.0.1:9000", f"http://127.0.0.1:{erp_port}"))
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), config).start()
    yield gateway
    gateway.stop()


def assert_heads_pass(client):
    answer = client.get("/public/large", *LARGE)

    assert answer.status == 200, answer
    assert len(answer.all("Set-Cookie")) == 28
    assert int(answer.body) > 28_000


@pytest.mark.parametrize("kind", FRONTS)
def test_with_the_gateway_in_the_path(kind, gateway, tmp_path):
    write_certificates(tmp_path, HOST)
    front = FRONTS[kind](tmp_path, gateway.port, gateway.admin_port)
    try:
        assert_heads_pass(TlsClient(front.start()))
    finally:
        front.stop()


@pytest.mark.parametrize("kind", ASKING)
def test_with_the_gateway_asked(kind, gateway, erp_port, tmp_path):
    front = ASKING[kind](tmp_path, gateway.port, erp_port)
    try:
        assert_heads_pass(front.start().client)
    finally:
        front.stop()
