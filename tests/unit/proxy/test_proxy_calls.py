from fakes.wired_gate import Wired

from gateway.proxy.calls import call_of


def test_a_reader_of_our_own_is_told_the_request_and_its_body():
    client = Wired().client()
    client.says(
        b"POST /orders/%78?a=%62 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\nX-Request-Id: r1\r\n"
        b"Content-Type: text/plain \r\nX-A: 1\r\nx-a: 2\r\nX-Forwarded-For: 10.1.1.1\r\nContent-Length: 4\r\n\r\n"
    )

    call = call_of(client.connection._serving, b"body")

    assert (call.method, call.path, call.query, call.body) == ("POST", "/orders/x", "a=%62", b"body")
    assert (call.headers["content-type"], call.headers["x-a"]) == ("text/plain", "1")
    assert (call.client_address, call.address_is_shared, call.secure) == ("192.0.2.7", True, False)
    assert call.request_id == "r1"


def test_cookies_in_several_lines_are_one_header():
    """HTTP/2 may split them (RFC 9113, section 8.2.3)."""
    client = Wired().client()
    client.says(
        b"GET /orders/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer warm\r\nCookie: a=1\r\nX-A: 1\r\ncookie: session_id=2; b=3\r\n\r\n"
    )

    assert call_of(client.connection._serving, b"").headers["cookie"] == "a=1; session_id=2; b=3"
