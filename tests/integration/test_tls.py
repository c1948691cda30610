"""TLS towards clients and towards upstreams."""

import contextlib
import signal
import socket
import ssl

import pytest
from fakes.authority import write_certificates
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient
from fakes.waiting import eventually

CONFIG = """\
server: {{workers: {workers}, tls: {{certificate_file: cert.pem, private_key_file: key.pem}}, timeouts: {{header: 3s}}}}
logs: {{access: ./access.log, audit: ./audit.log}}
upstreams:
  good: {{servers: ["https://127.0.0.1:{port}"], tls: {{ca_file: ca.pem}}}}
  mutual: {{servers: ["https://127.0.0.1:{mutual}"], tls: {{ca_file: ca.pem, certificate_file: cert.pem, private_key_file: key.pem}}}}
  nameless: {{servers: ["https://127.0.0.1:{mutual}"], tls: {{ca_file: ca.pem}}}}
  unknown: {{servers: ["https://127.0.0.1:{port}"]}}
  wrong-name: {{servers: ["https://127.0.0.1:{port}"], tls: {{ca_file: ca.pem, server_name: erp.example}}}}
  unchecked: {{servers: ["https://127.0.0.1:{port}"], tls: {{verify: false}}}}
routes:
  - {{name: good, path: /good/**, upstream: good, public: true}}
  - {{name: mutual, path: /mutual/**, upstream: mutual, public: true}}
  - {{name: nameless, path: /nameless/**, upstream: nameless, public: true}}
  - {{name: unknown, path: /unknown/**, upstream: unknown, public: true}}
  - {{name: wrong-name, path: /wrong-name/**, upstream: wrong-name, public: true}}
  - {{name: unchecked, path: /unchecked/**, upstream: unchecked, public: true}}
"""


def erp_context(directory, *, mutual=False):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(directory / "ca.pem")
    return context


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two workers"])
def setting(tmp_path_factory, request):
    directory = tmp_path_factory.mktemp("tls")
    write_certificates(directory)
    plain, mutual = Erp(tls=erp_context(directory)), Erp(tls=erp_context(directory, mutual=True))
    gateway = GatewayProcess(
        directory, CONFIG.format(workers=request.param, port=plain.port, mutual=mutual.port)
    ).start()
    yield gateway, plain, mutual
    gateway.stop()
    plain.stop()
    mutual.stop()


@pytest.fixture
def gateway(setting):
    return setting[0]


def trusting(directory):
    context = ssl.create_default_context(cafile=directory / "ca.pem")
    context.set_alpn_protocols(["http/1.1"])
    return context


@pytest.fixture
def client(gateway):
    context = trusting(gateway.directory)
    return PlainClient(gateway.port, lambda sock: context.wrap_socket(sock, server_hostname="127.0.0.1"))


def test_both_sides_are_encrypted_and_the_erp_is_told(setting, client):
    _, erp, _ = setting

    assert client.get("/good/x").status == 200
    assert erp.last.one("X-Forwarded-Proto") == "https"
    assert "proto=https" in erp.last.one("Forwarded")


def test_large_bodies_and_many_requests_pass(setting, client):
    _, erp, _ = setting
    body = bytes(range(256)) * 8000

    with client.connect() as conversation:
        for _ in range(3):
            assert conversation.ask("POST", "/good/x", body=body).status == 200
            assert erp.last.body == body


def test_the_gateway_shows_its_certificate_where_the_erp_asks(setting, client):
    assert client.get("/mutual/x").status == 200
    assert client.get("/nameless/x").status == 502


def test_an_erp_that_cannot_prove_its_name_is_not_spoken_to(setting, client):
    _, erp, _ = setting
    erp.forget()

    assert client.get("/unknown/x").status == 502
    assert client.get("/wrong-name/x").status == 502
    assert erp.seen == []


def test_a_check_can_be_switched_off_on_purpose(gateway, client):
    assert client.get("/unchecked/x").status == 200
    assert "anyone on the way can pose as this ERP" in gateway.stderr


def test_plain_text_on_the_tls_port_gets_nothing(gateway):
    with pytest.raises((EOFError, ConnectionError, AssertionError)):
        PlainClient(gateway.port).get("/good/x")


def test_a_client_that_never_shakes_hands_is_closed_as_a_slow_head_is(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port)) as silent:
        silent.settimeout(60)
        with contextlib.suppress(ConnectionResetError):  # as good
            assert silent.recv(1) == b""


def test_old_tls_is_refused(gateway):
    context = trusting(gateway.directory)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    wrap = lambda sock: context.wrap_socket(sock, server_hostname="127.0.0.1")  # noqa: E731
    assert PlainClient(gateway.port, wrap).get("/good/x").status == 200

    context.options &= ~ssl.OP_NO_TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        PlainClient(gateway.port, wrap).get("/good/x")


async def test_a_renewed_certificate_is_used_for_new_connections(gateway, client):
    with client.connect() as kept:
        assert kept.ask("GET", "/good/x").status == 200
        old = kept.socket.getpeercert()["serialNumber"]

        write_certificates(gateway.directory)
        gateway.process.send_signal(signal.SIGHUP)

        async def is_renewed():
            context = trusting(gateway.directory)
            renewed = PlainClient(gateway.port, lambda sock: context.wrap_socket(sock, server_hostname="127.0.0.1"))
            try:
                with renewed.connect() as conversation:
                    return conversation.socket.getpeercert()["serialNumber"] != old
            except ssl.SSLError:
                return False

        await eventually(is_renewed)
        assert kept.ask("GET", "/public").status == 404


async def test_a_broken_certificate_keeps_the_old_one(gateway):
    (gateway.directory / "cert.pem").write_text("nonsense")
    gateway.process.send_signal(signal.SIGHUP)

    await eventually(lambda: "the old one stays in force" in gateway.stderr)
    context = trusting(gateway.directory)
    wrap = lambda sock: context.wrap_socket(sock, server_hostname="127.0.0.1")  # noqa: E731
    assert PlainClient(gateway.port, wrap).get("/nowhere").status == 404
