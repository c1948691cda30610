import re

import pytest
from fakes.wired_gate import Wired, erp_key
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn.session_cookies import OwnCookies
from gateway.errors import UpstreamFault

GET = b"GET /orders/x HTTP/1.1\r\nHost: h\r\n"
WARM = b"Authorization: Bearer warm\r\n"


def sent_for(raw, *routes, **options):
    wired = Wired(routes, **options)
    wired.client().says(raw)
    return wired.erp.take()


def fields(head):
    return [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]


def test_the_canonical_path_and_the_query_as_it_came():
    assert sent_for(b"GET /orders/%7ex?a=%7e&b HTTP/1.1\r\nHost: h\r\n" + WARM + b"\r\n").startswith(
        b"GET /orders/~x?a=%7e&b HTTP/1.1\r\n"
    )
    assert sent_for(b"GET /orders/x? HTTP/1.1\r\nHost: h\r\n" + WARM + b"\r\n").startswith(b"GET /orders/x? HTTP/1.1")


def test_a_stripped_prefix_is_gone():
    sent = sent_for(GET + WARM + b"\r\n", {"strip_prefix": b"/orders"})

    assert sent.startswith(b"GET /x HTTP/1.1\r\n")


def test_what_only_the_cut_makes_ambiguous_is_refused():
    wired = Wired([{"strip_prefix": b"/orders", "allow_encoded": frozenset({"slash"})}])
    client = wired.client()

    client.says(b"GET /orders/%2Fhost HTTP/1.1\r\nHost: h\r\n" + WARM + b"\r\n")

    assert client.hears().startswith(b"HTTP/1.1 400")
    assert wired.erp.take() == b""


@pytest.mark.parametrize(
    ("sent", "framing"),
    [
        (b"", []),
        (b"Content-Length: 0\r\n", [(b"Content-Length", b"0")]),
        (b"Content-Length: 007\r\n", [(b"Content-Length", b"7")]),
        (b"Transfer-Encoding: chunked\r\n", [(b"Transfer-Encoding", b"chunked")]),
        (b"Content-Length: 5\r\nExpect: 100-continue\r\n", [(b"Content-Length", b"5"), (b"Expect", b"100-continue")]),
    ],
)
def test_the_framing_is_written_anew(sent, framing):
    head = sent_for(b"POST" + GET[3:] + WARM + sent + b"\r\n")

    names = {b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection", b"Upgrade"}
    assert [field for field in fields(head) if field[0] in names] == framing


def test_a_websocket_handshake_is_passed_on_and_no_other_upgrade():
    upgrade = b"Connection: keep-alive, Upgrade\r\nUpgrade: %b\r\nSec-WebSocket-Key: k\r\n"

    head = sent_for(GET + WARM + upgrade % b"WebSocket" + b"\r\n")
    assert fields(head)[-2:] == [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    head = sent_for(GET + WARM + upgrade % b"h2c" + b"\r\n")
    assert not {b"Connection", b"Upgrade"} & {name for name, _ in fields(head)}


def test_an_identified_caller_gets_the_erps_credential_and_an_anonymous_one_does_not():
    claims = b"X-ERP-Key: guessed\r\nX.ERP.Key: guessed\r\nX_ERP_KEY: guessed\r\n"
    routes = {"anonymous": ["/orders/**"], "underscore_headers": frozenset({b"x_erp_key"})}

    known = sent_for(GET + WARM + claims + b"\r\n", routes, injector=erp_key())
    nobody = sent_for(GET + claims + b"\r\n", routes, injector=erp_key())

    assert [value for name, value in fields(known) if name.lower() == b"x-erp-key"] == [b"k"]
    assert b"guessed" not in known + nobody
    assert b"X-Auth" not in nobody


def test_names_with_an_underscore_pass_where_the_route_lists_them():
    claims = b"API_KEY: 1\r\nOTHER_KEY: 2\r\n"

    assert b"API_KEY: 1\r\n" in sent_for(GET + WARM + claims + b"\r\n", {"underscore_headers": frozenset({b"api_key"})})
    assert b"_KEY" not in sent_for(GET + WARM + claims + b"\r\n")


def test_a_foreign_credential_goes_on_unless_the_injector_owns_its_header():
    basic = b"Authorization: Basic eDp5\r\nX-API-Key: theirs\r\n"

    assert basic in sent_for(GET + basic + b"\r\n", {"foreign": True})
    assert b"Basic" not in sent_for(
        GET + basic + b"\r\n", {"foreign": True, "owned_headers": frozenset({b"authorization"})}
    )
    assert b"theirs" not in sent_for(
        GET + basic + b"\r\n", {"public": True, "owned_headers": frozenset({b"x-api-key"})}
    )


def test_headers_of_the_route_replace_what_came_in_any_spelling():
    route = {
        "set_headers": (b"X-Zone", b": ", b"inner", b"\r\n"),
        "remove_headers": frozenset({b"x-zone", b"x-debug", b"cookie", b"referer"}),
        "underscore_headers": frozenset({b"x_zone"}),
    }
    claims = b"x-zone: a\r\nX.Zone: b\r\nX_ZONE: c\r\nX-Debug: 1\r\nCookie: c=1\r\nReferer: http://r/\r\n"

    head = sent_for(GET + WARM + claims + b"\r\n", route)

    assert [value for name, value in fields(head) if name == b"X-Zone"] == [b"inner"]
    assert not {b"x-zone", b"X.Zone", b"X_ZONE", b"X-Debug", b"Cookie", b"Referer"} & {name for name, _ in fields(head)}


async def test_a_retry_writes_the_very_same_head():
    extras = b"Cookie: a=1\r\nReferer: http://r/\r\nAPI_KEY: k\r\n"
    wired = Wired([{"underscore_headers": frozenset({b"api_key"}), "set_headers": (b"X-Set", b": ", b"1", b"\r\n")}])
    client = wired.client()
    client.says(GET + WARM + b"\r\n")
    wired.idle[0].data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    wired.erp.take()

    client.says(GET + WARM + extras + b"\r\n")
    task_before = client.connection._serving.task
    wired.idle[0].connection_lost(None)  # idle for too long, said the ERP
    assert client.connection._serving.task is not task_before
    await client.connection._serving.task

    (fresh,) = wired.server.connected
    assert fresh.transport.take() == wired.erp.take()


CONTROL = re.compile(rb"(?:[^\r\n]+\r\n)+\r\n")


@given(
    st.lists(
        st.tuples(
            st.from_regex(rb"[A-Za-z0-9._-]{1,20}", fullmatch=True),
            st.from_regex(rb"[\x21-\x7e\x80-\xff]{1,20}", fullmatch=True),
        ),
        max_size=8,
    )
)
def test_what_is_asserted_stands_there_once_whatever_the_client_sends(claims):
    names = ("X-Auth-User", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
    wired = Wired(injector=erp_key())
    block = b"".join(b"%b: %b\r\n" % claim for claim in claims)

    wired.client().says(GET + WARM + b"Connection: X-Auth-User, X-ERP-Key, Host\r\n" + block + b"\r\n")

    sent = wired.erp.take()
    if sent:  # else it was refused: two hosts, a length …
        assert CONTROL.match(sent)
        folded = [name.decode("latin-1").lower().replace("_", "-").replace(".", "-") for name, _ in fields(sent)]
        for name in (*names, "X-ERP-Key", "Host"):
            assert folded.count(name.lower()) == 1
        assert (b"X-Auth-User", b"ada") in fields(sent)
        assert (b"X-ERP-Key", b"k") in fields(sent)


async def test_a_refused_connection_is_told_and_nothing_is_sent():
    wired = Wired(idle=0)
    wired.server.refuses = UpstreamFault("refused")
    client = wired.client()

    client.says(GET + WARM + b"\r\n")
    await client.connection._serving.task

    assert client.hears().startswith(b"HTTP/1.1 502")


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        (b"session_id=ours", []),
        (b"a=1; session_id=ours; b=2", [(b"Cookie", b"a=1; b=2")]),
        (b"a=1;  session_id=theirs", [(b"Cookie", b"a=1;  session_id=theirs")]),
    ],
)
def test_a_cookie_of_ours_stays_here_on_every_route(cookie, sent):
    own = OwnCookies([b"session_id"], lambda value: value == b"ours")

    head = sent_for(GET + WARM + b"Cookie: " + cookie + b"\r\n\r\n", own_cookies=own)

    assert [field for field in fields(head) if field[0] == b"Cookie"] == sent
