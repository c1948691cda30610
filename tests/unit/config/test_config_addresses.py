from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.addresses import (
    Address,
    Origin,
    is_loopback,
    read_host,
    read_listen,
    read_network,
    read_origin,
    read_public_url,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:8080", "::1", 8080),
        ("[::]:443", "::", 443),
        ("LocalHost:80", "localhost", 80),
        ("erp.example.com:65535", "erp.example.com", 65535),
    ],
)
def test_a_listen_address_is_host_and_port(text, host, port):
    assert read_listen(text) == Address(host, port)
    assert read_listen(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]", "[::g]:80", "a b:80", "http://h:80", "1.2.3:80", "999.1.1.1:80", "h:\u0661"],
)  # fmt: skip
def test_anything_else_is_no_listen_address(text):
    with pytest.raises(ValueError, match=r"must be|holds a malformed"):
        read_listen(text)


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example.com", False)])  # fmt: skip
def test_only_what_stays_on_this_machine_is_loopback(host, loopback):
    assert is_loopback(host) is loopback
    assert Address(host, 1).is_loopback is loopback


@pytest.mark.parametrize(
    ("text", "origin", "authority"),
    [
        ("http://127.0.0.1:8069", Origin("http", "127.0.0.1", 8069), "127.0.0.1:8069"),
        ("http://ERP.example.com", Origin("http", "erp.example.com", 80), "erp.example.com"),
        ("https://erp.example.com/", Origin("https", "erp.example.com", 443), "erp.example.com"),
        ("https://[2001:DB8::1]:8443", Origin("https", "2001:db8::1", 8443), "[2001:db8::1]:8443"),
        ("http://erp_1:80", Origin("http", "erp_1", 80), "erp_1"),
    ],
)
def test_an_origin_is_scheme_host_and_port(text, origin, authority):
    assert read_origin(text) == origin
    assert read_origin(text).authority == authority
    assert str(origin) == f"{origin.scheme}://{authority}"
    assert origin.is_secure is text.startswith("https")


@pytest.mark.parametrize(
    "text",
    ["", "erp:80", "ftp://erp", "http://", "http:///x", "http://erp/path", "http://user:pw@erp", "http://erp?x", "http://erp#x", "http://erp:0", "http://erp:99999", "http://erp:80:80", "http://a b", "http://good.com\\@evil.com", "http://[::1", "http://2130706433", "http://127.1", "http://0x7f.1/", "http://bücher.de", "http://erp\r\nX: y", "//erp"],
)  # fmt: skip
def test_anything_else_is_no_origin(text):
    with pytest.raises(ValueError, match=r"must|holds|names"):
        read_origin(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [("", ""), ("https://erp.example.com", "https://erp.example.com"), ("https://erp.example.com/api/", "https://erp.example.com/api"), ("http://h:80", "http://h")],
)  # fmt: skip
def test_a_public_url_may_have_a_path_and_loses_its_last_slash(text, url):
    assert read_public_url(text) == url


@pytest.mark.parametrize("text", ["erp.example.com", "https://erp/?x=1", "https://u@erp", "javascript:alert(1)"])
def test_anything_else_is_no_public_url(text):
    with pytest.raises(ValueError, match="must"):
        read_public_url(text)


@pytest.mark.parametrize(
    ("text", "host"), [("ERP.Example.com", "erp.example.com"), ("10.0.0.1", "10.0.0.1"), ("[::1]", "[::1]")]
)
def test_a_host_is_compared_in_lower_case(text, host):
    assert read_host(text) == host


@pytest.mark.parametrize(
    "text", ["", "erp:80", "http://erp", "erp/", "*.example.com", "a..b", "-a", "a-", "\u212apple", "a" * 64, "[::1"]
)
def test_anything_else_is_no_host(text):
    with pytest.raises(ValueError, match=r"must be a host|malformed"):
        read_host(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "0.0.0.0/0"])
def test_a_network_is_a_cidr_or_an_address(text):
    assert read_network(text) == ip_network(text)


def test_a_network_with_host_bits_is_most_likely_another_one():
    with pytest.raises(ValueError, match=r'did you mean "10\.0\.0\.0/8"'):
        read_network("10.1.2.3/8")


@pytest.mark.parametrize("text", ["", "10", "10.0.0.0/33", "erp", "10.0.0.0/8/8", "167772160"])
def test_anything_else_is_no_network(text):
    with pytest.raises(ValueError, match="must be a network"):
        read_network(text)


@given(st.text(max_size=30))
def test_no_text_makes_the_readers_fail_in_another_way(text):
    for read in (read_listen, read_host, read_origin, read_public_url, read_network):
        try:
            read(text)
        except ValueError:
            continue
