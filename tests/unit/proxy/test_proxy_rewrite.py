import asyncio

import pytest
from fakes.presented import verified
from fakes.wired_gate import Wired

from gateway.authn.session_cookies import CookieLogin, CookieUse
from gateway.model import CookieRule

ASK = b"GET /orders/x%b HTTP/1.1\r\nHost: gate.example:8080\r\nAuthorization: Bearer warm\r\n\r\n"


def head_for(answer_headers, *, query=b"", preserve_host=True, **route):
    wired = Wired([{"credentials": ("bearer", "access_token"), **route}])
    wired.upstream.preserve_host = preserve_host
    client = wired.client()
    client.says((ASK if not query else ASK.replace(b"Authorization: Bearer warm\r\n", b"")) % query)
    wired.idle[0].data_received(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + answer_headers + b"\r\n")
    lines = client.hears().split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [tuple(line.split(b": ", 1)) for line in lines]


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        (b"http://10.0.0.1:8069/web", b"http://gate.example:8080/web"),
        (b"HTTP://10.0.0.1:8069/web", b"http://gate.example:8080/web"),
        (b"http://10.0.0.1:8069", b"http://gate.example:8080/"),
        (b"http://10.0.0.1:8069?a", b"http://gate.example:8080/?a"),
        (b"http://10.0.0.1:80690/web", b"http://10.0.0.1:80690/web"),
        (b"http://10.0.0.1:8069@evil/", b"http://10.0.0.1:8069@evil/"),
        (b"http://10.0.0.1/web", b"http://10.0.0.1/web"),
        (b"http://gate.example:8080/web", b"http://gate.example:8080/web"),
        (b"https://gate.example:8080/web", b"https://gate.example:8080/web"),
        (b"//10.0.0.1:8069/web", b"http://gate.example:8080/web"),
        (b"//evil/x", b"//evil/x"),
        (b"//10.0.0.1:80690/web", b"//10.0.0.1:80690/web"),
        (b"/web", b"/web"),
        (b"web", b"web"),
    ],
)
def test_the_upstreams_own_origin_becomes_ours(location, seen):
    assert (b"Location", seen) in head_for(b"Location: " + location + b"\r\n")


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        (b"/web", b"/orders/web"),
        (b"http://10.0.0.1:8069/web", b"http://gate.example:8080/orders/web"),
        (b"http://gate.example:8080/web", b"http://gate.example:8080/orders/web"),
        (b"https://gate.example:8080/web", b"https://gate.example:8080/web"),
        (b"//gate.example:8080/web", b"http://gate.example:8080/orders/web"),
        (b"//evil/x", b"//evil/x"),
        (b"http://elsewhere/x", b"http://elsewhere/x"),
        (b"x", b"x"),
    ],
)
def test_a_stripped_prefix_is_put_back(location, seen):
    found = head_for(b"location: " + location + b"\r\n", strip_prefix=b"/orders")

    assert (b"location", seen) in found


def test_an_upstream_that_is_told_its_own_host_does_not_speak_of_ours():
    found = head_for(b"Location: http://gate.example:8080/web\r\n", strip_prefix=b"/orders", preserve_host=False)

    assert (b"Location", b"http://gate.example:8080/web") in found


def test_headers_of_the_route_are_set_and_removed():
    found = head_for(
        b"Server: odoo\r\nX-Frame-Options: ALLOWALL\r\nX-Own: 1\r\n",
        answer_remove=frozenset({b"server", b"x-frame-options"}),
        answer_set=(b"X-Frame-Options", b": ", b"DENY", b"\r\n"),
    )

    assert [(name, value) for name, value in found if name != b"Content-Length"] == [
        (b"X-Own", b"1"),
        (b"X-Frame-Options", b"DENY"),
    ]


def test_an_answer_to_a_url_token_is_private():
    found = head_for(b"Cache-Control: public\r\n", query=b"?access_token=warm")

    assert (b"Cache-Control", b"private") in found
    assert (b"Referrer-Policy", b"no-referrer") in found
    assert (b"Cache-Control", b"public") not in found


async def test_a_session_that_lives_on_hands_its_cookie_out_again_with_the_next_answer():
    async def slide(session):
        session.expires_at += 60.0
        return session.expires_at

    cookies = CookieUse((CookieLogin("odoo", CookieRule("session_id", 604800), slide),))
    wired = Wired([{"credentials": ("bearer", "cookie"), "cookies": cookies}])
    wired.tokens.warm = {b"gwa_x": verified(login="odoo")}
    wired.tokens.now = 2e9 - 590_000
    client = wired.client()

    def answers():
        wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return client.hears()

    client.says(ASKED_BY_COOKIE)
    for _ in range(3):
        await asyncio.sleep(0)
    assert b"\r\nX-Auth-Method: cookie\r\n" in wired.erp.take()
    assert answers() == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: session_id=gwa_x; Expires=Wed, 18 May 2033 03:34:20 GMT; "
        b"Max-Age=604800; HttpOnly; Path=/\r\n\r\nok"
    )

    wired.tokens.now = 0
    client.says(ASKED_BY_COOKIE)
    assert answers() == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


ASKED_BY_COOKIE = b"GET /orders/x HTTP/1.1\r\nHost: h\r\nCookie: session_id=gwa_x\r\n\r\n"
