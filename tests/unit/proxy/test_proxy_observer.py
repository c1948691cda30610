import pytest
from fakes.wired_gate import Wired

from gateway.model import Reply

HEAD = b" HTTP/1.1\r\nHost: h\r\n"


def fields(wired):
    names = (
        "request_id", "method", "path", "route", "status", "duration", "upstream", "upstream_duration", "bytes",
        "user", "auth_method", "login", "client", "broken", "error",
    )  # fmt: skip
    return [dict(zip(names, line, strict=True)) if len(line) > 2 else line for line in wired.lines]


def test_a_forwarded_exchange_is_one_line_and_one_count():
    wired = Wired()
    wired.client().says(b"GET /orders/x?token=secret" + HEAD + b"Authorization: Bearer warm\r\nX-Request-Id: r\r\n\r\n")
    assert wired.lines == []

    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    (line,) = fields(wired)
    assert {key: line[key] for key in line if "duration" not in key} == {
        "request_id": "r",
        "method": "GET",
        "path": "/orders/x",
        "route": "route-0",
        "status": 200,
        "upstream": "erp",
        "bytes": 5,
        "user": "ada",
        "auth_method": "bearer",
        "login": "native",
        "client": "192.0.2.7",
        "broken": "",
        "error": "",
    }
    assert line["duration"] >= line["upstream_duration"] > 0
    assert wired.metrics.requests == {("route-0", "GET", 200): 1}
    assert wired.metrics.auth == {("bearer", "ok"): 1}
    assert wired.metrics.duration.rows()[0][0] == ["route-0"]
    assert wired.metrics.upstream_duration.rows()[0][0] == ["erp"]


@pytest.mark.parametrize(
    ("credential", "query", "judged"),
    [
        (b"", b"", ("anonymous", "missing")),
        (b"X-API-Key: x\r\n", b"", ("api_key", "rejected")),
        (b"Authorization: Bearer\t\r\n", b"", ("bearer", "rejected")),
        (b"Authorization: Bearer x\r\nX-API-Key: x\r\n", b"", ("api_key", "several")),
    ],
)
def test_a_refused_credential_is_counted_by_its_source(credential, query, judged):
    wired = Wired([{"credentials": ("bearer", "api_key", "access_token")}])

    wired.client().says(b"GET /orders/x" + query + HEAD + credential + b"\r\n")

    assert wired.metrics.auth == {judged: 1}
    assert len(wired.lines) == 1


def test_an_upstreams_fault_says_nothing_against_the_credential():
    wired = Wired()
    wired.client().says(b"POST /orders/x" + HEAD + b"Authorization: Bearer warm\r\nContent-Length: 0\r\n\r\n")

    wired.idle[0].connection_lost(None)

    assert wired.metrics.auth == {("bearer", "ok"): 1}
    assert wired.metrics.requests == {("route-0", "POST", 502): 1}
    (line,) = fields(wired)
    assert (line["broken"], line["error"]) == ("", "connection closed before the answer was complete")


def test_what_is_no_request_is_counted_and_told_without_its_bytes():
    wired = Wired()

    wired.client().says(b"GET /orders/secret" + HEAD + b"no header\r\n\r\n")

    ((client, reason, status),) = wired.lines
    assert (client, status) == ("192.0.2.7", 400)
    assert "secret" not in reason
    assert wired.metrics.snapshot()["malformed_requests_total"] == [[[], 1]]


def test_what_is_no_request_is_told_with_the_status_that_it_got():
    wired = Wired()
    client = wired.client()

    client.says(b"GET /orders/x" + HEAD + b"x: " + b"y" * 40_000)

    assert client.hears().startswith(b"HTTP/1.1 431 ")
    assert [line[2] for line in wired.lines] == [431]


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/orders/../x?secret=1", "/orders/../x"),
        (b"/orders/x%zz?secret=1#secret", "/orders/x%zz"),
        (b"/nowhere?secret=1", "/nowhere"),
        (b"http://secret@evil/x?secret=1", ""),
        (b"*", ""),
    ],
)
def test_a_target_that_was_refused_is_logged_without_its_query(target, path):
    wired = Wired()

    wired.client().says((b"OPTIONS " if target == b"*" else b"GET ") + target + HEAD + b"\r\n")

    (line,) = fields(wired)
    assert line["path"] == path
    assert line["route"] == ""
    assert not [field for field in line.values() if "secret" in str(field)]


async def test_an_endpoint_is_logged_by_its_login():
    async def handle(_):
        return Reply(200)

    wired = Wired(endpoints={b"/auth/me": [(None, {"GET": handle})]})
    client = wired.client()
    client.says(b"GET /auth/me?secret=1" + HEAD + b"\r\n")
    await client.connection._serving.task

    (line,) = fields(wired)
    assert (line["path"], line["route"], line["login"], line["upstream"]) == ("/auth/me", "native", "native", "")
    assert wired.metrics.auth == {}


def test_a_refused_connection_is_counted():
    wired = Wired(connections=1)
    wired.client()

    refused = wired.client()

    assert refused.transport.ended == "aborted"
    assert wired.gate.observer.refused_connections == 1
    assert wired.lines == [("192.0.2.7", "too many connections", 0)]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (b"/orders/1.png%3Faccess_token=eyJhbGciOi.J9.x", "/orders/1.png%3Faccess_token=[redacted]"),
        (b"/orders/1.png;access_token=s3cret", "/orders/1.png;access_token=[redacted]"),
        (b"/orders/eyJhbGciOi.J9.x", "/orders/[redacted]"),
        (b"/orders/gwa_0123456789", "/orders/[redacted]"),
        (b"/orders/1.png%3Faccess_token%3DeyJhbGciOi.J9.x", "/orders/1.png%3Faccess_token%3D[redacted]"),
        (b"/orders/1.png%3Faccess_token%3D9aBcD%2F0%3D", "/orders/1.png%3Faccess_token%3D[redacted]"),
        (b"/orders/1.png%3Ft%3Dgwa_0123456789", "/orders/1.png%3Ft%3D[redacted]"),
        (b"/orders/%22eyJhbGciOi.J9.x%22", "/orders/%22[redacted]%22"),
        (b"/orders/tokens/7", "/orders/tokens/7"),
    ],
)
def test_a_token_that_was_written_into_the_path_is_not_logged(target, told):
    wired = Wired()

    wired.client().says(b"GET " + target + HEAD + b"\r\n")

    assert fields(wired)[0]["path"] == told
