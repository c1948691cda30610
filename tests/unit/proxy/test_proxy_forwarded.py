from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.forwarded import MEMO, Peer, host_name, is_host, parse_address
from gateway.proxy.head import RequestHead

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def head(host=b"gate.example", **fields):
    made = RequestHead("GET", b"/", [], keep_alive=True)
    made.host = host
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def peer(address="10.0.0.1", *, secure=False):
    return Peer(address, secure=secure, trusted_networks=TRUSTED)


def told(lines):
    return dict(line.split(": ", 1) for line in lines.decode().split("\r\n")[:-1])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:80 ", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ('fe80::1%";for=203.0.113.9', "fe80::1"),
        ("unknown", None),
        ("_hidden", None),
        ("192.0.2.256", None),
        ("127.1", None),
        ("", None),
    ],
)
def test_addresses(text, address):
    assert (str(parse_address(text)) if parse_address(text) else None) == address


@pytest.mark.parametrize(
    ("address", "chain", "client"),
    [
        ("192.0.2.9", b"198.51.100.1", "192.0.2.9"),  # not a proxy of ours: its word counts for nothing
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", b"198.51.100.1, , 10.0.0.2", "10.0.0.2"),
        ("fd00::1", b"2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", b"198.51.100.1:4711", "198.51.100.1"),
    ],
)
def test_the_client_is_the_rightmost_hop_that_is_no_proxy_of_ours(address, chain, client):
    assert peer(address).client_address(head(forwarded_for=chain)) == client


def test_a_client_is_told_of_as_it_connected():
    lines = told(peer("2001:db8::7", secure=True).headers_for(head(b"gate.example:8443")))

    assert lines == {
        "X-Forwarded-For": "2001:db8::7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "gate.example:8443",
        "Forwarded": 'for="[2001:db8::7]";proto=https;host="gate.example:8443"',
    }


def test_a_client_can_claim_nothing():
    claims = head(forwarded_for=b"10.0.0.1", forwarded_proto=b"https", forwarded_host=b"evil.example")

    lines = told(peer("192.0.2.9").headers_for(claims))

    assert lines["X-Forwarded-For"] == "192.0.2.9"
    assert lines["X-Forwarded-Proto"] == "http"
    assert lines["X-Forwarded-Host"] == "gate.example"


def test_a_trusted_proxy_tells_of_its_client_but_not_of_the_clients_claims():
    claims = head(
        forwarded_for=b"127.0.0.1, 198.51.100.1, 10.0.0.2", forwarded_proto=b"https", forwarded_host=b"front.example"
    )

    lines = told(peer("10.0.0.1").headers_for(claims))

    assert lines["X-Forwarded-For"] == "198.51.100.1, 10.0.0.2, 10.0.0.1"
    assert lines["Forwarded"] == 'for=198.51.100.1;proto=https;host="front.example", for=10.0.0.2, for=10.0.0.1'
    assert lines["X-Forwarded-Host"] == "front.example"


@pytest.mark.parametrize("proto", [b"HTTPS", b"https, http", b"gopher", b""])
def test_only_two_schemes_are_believed(proto):
    assert peer().client_scheme(head(forwarded_proto=proto)) == b"http"


@pytest.mark.parametrize("host", [b"evil/x", b"a b", b'a"', b"a,b", b"", b"user@host"])
def test_a_forwarded_host_that_is_none_is_not_believed(host):
    assert peer().client_host(head(forwarded_host=host)) == b"gate.example"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"erp.example", b"erp.example"),
        (b"ERP.Example.:8080", b"erp.example"),
        (b"[::1]:80", b"[::1]"),
        (b'[::1%";for=203.0.113.9;x="]', None),
        (b"[fe80::1%eth0]", None),
        (b'["::1"]', None),
        (b"[ ::1 ]", None),
        (b"[[::1]", None),
        (b"[127.0.0.1]", None),
        (b"127.0.0.1", b"127.0.0.1"),
        (b"my_host", b"my_host"),
        (b"", None),
        (b".", None),
        (b":80", None),
        (b"a:b", None),
        (b"a:123456", None),
        (b"a b", None),
        (b"a/b", None),
        (b"a@b", None),
        (b"[::1", None),
        (b"[x]", None),
        (b"[::1]80", None),
        (b"a\x80", None),
        (b"h" * 256, None),
    ],
)
def test_hosts(host, name):
    assert host_name(host) == name
    assert host_name(host) == name, "remembered"
    assert is_host(host) == (name is not None)


def test_hosts_remembered_for_a_connection_are_bounded():
    one = peer("192.0.2.9")
    for number in range(MEMO * 2):
        assert f"h{number}" in one.headers_for(head(b"h%d" % number)).decode()

    assert len(one._blocks) == MEMO


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_whatever_comes_there_are_four_whole_lines(chain, proto, host):
    for address in ("10.0.0.1", "192.0.2.9"):
        lines = peer(address).headers_for(head(forwarded_for=chain, forwarded_proto=proto, forwarded_host=host))

        assert list(told(lines)) == ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"]
        assert lines.count(b"\r") == lines.count(b"\n") == 4
        assert told(lines)["X-Forwarded-For"].endswith(address)
