import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.store_url import SCHEMES, StoreUrl, parse

TABLE = [
    ("embedded://state", StoreUrl("embedded", path="state")),
    ("unix:///run/a%20b/r.sock?db=2", StoreUrl("unix", path="/run/a b/r.sock", database=2)),
    ("redis://10.0.0.5", StoreUrl("single", hosts=(("10.0.0.5", 6379),))),
    ("redis://[::1]:7000/3", StoreUrl("single", hosts=(("::1", 7000),), database=3)),
    ("rediss://redis.internal/", StoreUrl("single", tls=True, hosts=(("redis.internal", 6379),))),
    ("redis+sentinel://a,b:1/gate", StoreUrl("sentinel", hosts=(("a", 26379), ("b", 1)), master="gate")),
    ("rediss+sentinel://a/my.gate-1/5", StoreUrl("sentinel", True, (("a", 26379),), "my.gate-1", 5)),
    ("redis+cluster://a,[::1]:7", StoreUrl("cluster", hosts=(("a", 6379), ("::1", 7)))),
    ("rediss+cluster://a/", StoreUrl("cluster", True, (("a", 6379),))),
]


@pytest.mark.parametrize(("url", "meaning"), TABLE)
def test_a_url_says_what_the_store_is_made_of(url, meaning):
    assert parse(url) == meaning


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://a,b", "names no master, such as redis"),
        ("redis+sentinel://a/", "names no master"),
        ("redis+sentinel://a/gate/x", "may hold hosts, ports, the master's name and a database number only"),
        ("redis+cluster://a/1", "may hold hosts and ports only"),
        ("redis://a,b", "names several hosts"),
        ("redis+cluster://a,,b", "names no host"),
        ("redis+cluster://a,:7000", "names no host"),
        ("redis+cluster://a:70000", "names port 70000"),
        ("redis+sentinels://a", 'did you mean "redis'),
        ("redis://[::1", "is not a well-formed URL"),
        ("unix:///r.sock?timeout=3", "may hold the path and a database number only"),
    ],
)
def test_what_it_may_not_hold_is_said(url, problem):
    with pytest.raises(ValueError, match=r".+") as refused:
        parse(url)

    assert problem in str(refused.value)


@given(st.sampled_from(SCHEMES), st.text("ab:@,/[]?#%.0123456789\x00é", max_size=30))
def test_whatever_stands_there_is_read_or_refused(scheme, rest):
    try:
        found = parse(f"{scheme}://{rest}")
    except ValueError:
        return
    assert found.path or all(host and 0 < port < 65536 for host, port in found.hosts)
