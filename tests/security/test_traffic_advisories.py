"""Parsers, vanishing clients, floods and slow senders, through a running gateway."""

import json
import random
import resource
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes.erp import answer
from fakes.log_lines import line_with, whole_lines
from fakes.plain_client import bearer, request

GET = b"GET /mixed/open/x HTTP/1.1\r\nHost: h\r\n"
POST = b"POST /public/x HTTP/1.1\r\nHost: h\r\n"


def resident(shop):
    """Bytes of memory that the gateway uses now."""
    pages = int(Path(f"/proc/{shop.gateway.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize(
    "raw",
    [
        POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Content-Length: +5\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Content-Length: 0x5\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Content-Length: 1_0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Content-Length:\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST
        + b"X: 1\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nGET GET /smuggled HTTP/1.1 ",
        b"GET /mixed/open/x%20HTTP/1.1%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n",
        GET + b"X" * 270 + b": 1\r\n\r\n",
        GET + b": 1\r\n\r\n",
    ],
)
def test_the_erp_never_sees_a_request_that_the_client_did_not_frame(client, erp, raw):
    """aiohttp CVE-2023-37276, CVE-2024-52304, CVE-2026-34520; HAProxy CVE-2021-40346; Apache CVE-2023-25690."""
    with client.connect() as conversation:
        conversation.send(raw)
        conversation.socket.shutdown(socket.SHUT_WR)
        heard = conversation._stream.read()

    assert heard == b"" or heard.startswith(b"HTTP/1.1 ")
    assert not [seen for seen in erp.seen if "smuggled" in seen.line]
    assert len(erp.seen) <= 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"CONNECT erp.example:443", 405),
        (b"CONNECT /mixed/open/x", 405),
        (b"TRACE /mixed/open/x", 405),
        (b"OPTIONS *", 400),
        (b"GET *", 400),
        (b"GET http://evil.example/mixed/open/x", 400),
        (b"GET //evil.example/mixed/open/x", 400),
        (b"GET mixed/open/x", 400),
        (b"PRI *", 400),
    ],
)
def test_other_forms_of_a_target_are_refused(client, erp, line, status):
    """Traefik 04d36f28e4; RFC 9112, section 3.2."""
    assert client.send(line + b" HTTP/1.1\r\nHost: erp.example\r\n\r\n").status == status
    assert erp.seen == []


def test_clients_that_vanish_never_leave_their_answer_to_another(shop, client, erp):
    """aiohttp #12795: after a cancelled request its connection went on to somebody else, answer and all."""
    erp.answers.update({f"/mixed/open/{number}": answer(200, b"%d." % number * 500) for number in range(40)})

    def ask(seed):
        chance = random.Random(seed)
        wrong = 0
        for _ in range(60):
            number = chance.randrange(40)
            with client.connect() as conversation:
                conversation.send(request("GET", f"/mixed/open/{number}"))
                if chance.random() < 0.25:
                    conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    continue
                wrong += conversation.receive().body != b"%d." % number * 500
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 0


def test_errors_of_two_users_never_mix(shop, client):
    """Oathkeeper 26.2.5, GitHub 2021: an error object shared by requests carried one's details to the other."""
    errors = [("/mixed/x", 401), ("/nowhere", 404), ("/sales/x", 403), ("/closed/x", 502), ("/mixed/%zz", 400)]

    def ask(number):
        path, status = errors[number % len(errors)]
        found = client.get(path, ("X-Request-Id", f"own-{number}"), *([shop.bearer("bob")] if status == 403 else []))
        return found.status == status and found.json["request_id"] == f"own-{number}" and "own-" in found.body.decode()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


def test_after_a_logout_nothing_is_left(shop, client, erp):
    """oauth2-proxy GHSA-f24x-5g9q-753f, Spring CVE-2023-20862."""
    pair = shop.login()
    token = bearer(pair["access_token"])
    with client.connect() as conversation:
        for _ in range(3):
            assert conversation.ask("GET", "/mixed/x", [token]).status == 200
        assert conversation.ask("GET", f"/images/x?access_token={pair['access_token']}").status == 200
        client.post("/auth/logout", None, token)

        assert conversation.ask("GET", "/mixed/x", [token]).status == 401
        assert conversation.ask("GET", f"/images/x?access_token={pair['access_token']}").status == 401
    assert client.get("/mixed/open/x", token).status == 401
    assert client.get("/auth/me", token).status == 401
    assert client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).status == 401


def test_a_login_body_of_a_megabyte_is_refused(client):
    """aiohttp CVE-2024-30251."""
    with client.connect() as conversation:
        conversation.send(
            b"POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for _ in range(20):
                conversation.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except ConnectionError:
            pass
        try:
            assert conversation.receive().status == 413
        except ConnectionError:
            return  # it was refused so early that sending went on into a closed connection


def test_heads_that_never_end_cost_little(shop, client):
    """Envoy's rule: 10 KB of head never costs a hundred times as much."""
    before = resident(shop)
    opened = [client.connect() for _ in range(100)]
    for number, conversation in enumerate(opened):
        conversation.send(GET + b"".join(b"X-%d-%d: %b\r\n" % (number, line, b"x" * 90) for line in range(100)))

    assert client.get("/mixed/open/x").status == 200
    grown = resident(shop) - before
    for conversation in opened:
        conversation.close()

    assert grown < 100 * 2**20 / 10


def test_names_that_nobody_uses_fill_no_memory(shop, client):
    """Memos are bounded in number and in the length of what they keep."""
    before = resident(shop)
    with client.connect() as conversation:
        for turn in range(300):
            host = f"h{turn}." + ".".join(["x" * 50] * 4)
            lines = [(f"X-{turn}-{number}-" + "n" * 200, "1") for number in range(50)]
            assert conversation.ask("GET", f"/mixed/open/{'p' * 400}{turn}", lines, host=host).status == 200
    for turn in range(20):
        assert client.ask("GET", "/mixed/open/x", [("X-" + "n" * 3000 + str(turn), "1")]).status == 400
        assert client.ask("GET", "/mixed/open/x", host="h" * 3000 + str(turn)).status == 400

    assert resident(shop) - before < 20 * 2**20


def test_a_flood_of_garbage_is_no_flood_of_logs(shop, client):
    """Stock servers write a dozen lines for each malformed request, and reflect it."""
    log = shop.directory / "access.log"
    client.get("/mixed/open/x", ("X-Request-Id", "before-the-flood"))
    line_with(log, "before-the-flood")
    before = len(whole_lines(log)), len(shop.gateway.stderr.splitlines())

    for number in range(200):
        found = client.send(b"GARBAGE-%d\r\n\r\n" % number)
        assert found.status == 400
        assert b"GARBAGE" not in found.body
        assert found.all("Server") == []
    client.get("/mixed/open/x", ("X-Request-Id", "after-the-flood"))
    line_with(log, "after-the-flood")

    lines = whole_lines(log)[before[0] :]
    assert len(lines) < 30
    assert not [line for line in lines if "GARBAGE" in line]
    assert all(json.loads(line) for line in lines)
    assert len(shop.gateway.stderr.splitlines()) == before[1]
