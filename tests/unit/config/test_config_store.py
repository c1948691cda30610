import pytest
from fakes.configs import MINIMAL

KEYS = """\
signing_keys: [{kid: k1, algorithm: HS256, secret: 0123456789abcdef0123456789abcdef}]
"""


def store(url, more=""):
    return f"{MINIMAL}{KEYS}store: {{url: '{url}', encryption_key: 0123456789abcdef0123456789abcdef{more}}}\n"


@pytest.mark.parametrize(
    "url",
    ["embedded://state", "embedded:///var/lib/gateway", "redis://127.0.0.1:6379", "redis://10.0.0.5/3", "rediss://redis.example.com:6380/0", "unix:///run/redis.sock", "redis://[::1]:6379/0", "redis+sentinel://a,b:26380,[::1]/gate/2", "rediss+cluster://a:7000,b"],
)  # fmt: skip
def test_a_store_is_private_or_a_server_of_ones_own(load_text, url):
    found = load_text(store(url)).config.store

    assert found.url == url
    assert found.is_embedded is url.startswith("embedded")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "embeded://state",
            'must begin with embedded://, redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://; did you mean "embedded"?',
        ),
        ("localhost:6379", "must begin with"),
        ("", "must begin with"),
        ("embedded://", "names no directory"),
        ("unix://redis.sock", "names no absolute path"),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://h:0", "names port 0"),
        ("redis://h:x", "is not a well-formed URL"),
        ("redis://h/0?timeout=3", "may hold host, port and database number only"),
        ("redis://h/db", "may hold host, port and database number only"),
    ],
)
def test_any_other_url_is_refused(refused, url, expected):
    problems = refused(store(url))

    assert len(problems) == 1, problems
    assert f"store.url: {expected}" in problems[0]


def test_a_password_in_the_url_moves_to_its_own_key(load_text):
    found = load_text(store("redis://gw:p%40ss@10.0.0.5:6379/1")).config.store

    assert found.url == "redis://10.0.0.5:6379/1"
    assert (found.username, found.password.reveal()) == ("gw", "p@ss")
    assert "p@ss" not in repr(found)


def test_a_password_in_the_url_and_beside_it_is_refused(refused):
    problems = refused(store("redis://:one@h", ", password: two"))

    assert "store.url: names a user or password that is written beside it, too" in problems[0]
    assert "one" not in problems[0]


def test_a_user_is_written_once_for_all_hosts(load_text, refused):
    found = load_text(store("redis+cluster://gw:pass@a,b")).config.store

    assert (found.url, found.username, found.password.reveal()) == ("redis+cluster://a,b", "gw", "pass")
    assert "store.url: names a user more than once" in refused(store("redis+cluster://gw:pass@a,gw:pass@b"))[0]


def test_sentinels_have_a_user_of_their_own(load_text):
    found = load_text(store("redis+sentinel://a/gate", ", sentinel_username: watch, sentinel_password: w")).config.store

    assert (found.sentinel_username, found.sentinel_password.reveal()) == ("watch", "w")


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1", "unix:///r.sock", "rediss+sentinel://a/gate", "redis+cluster://a"]
)
def test_with_a_redis_url_every_secret_is_explicit(refused, url):
    text = MINIMAL + f"store: {{url: '{url}'}}\n"

    assert [problem.partition(": ")[2] for problem in refused(text)] == [
        "signing_keys: is empty; with a Redis url nothing can be generated: every gateway on it needs the same one",
        "store.encryption_key: is empty; with a Redis url nothing can be generated: every gateway on it needs the same one",
    ]


def test_with_a_redis_url_an_empty_signing_secret_is_refused(refused):
    text = store("redis://127.0.0.1").replace("secret: 0123456789abcdef0123456789abcdef", 'secret: "${S:-}"')

    assert "signing_keys[0].secret: is empty" in refused(text)[0]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (", min_replicas: 1", "store.min_replicas: needs a Redis url: the embedded store has no replicas"),
        (", when_down: allow", "store.when_down: must be one of deny, verify_signed"),
        (", timeout: 0s", "store.timeout: must be more than zero"),
        (", key_prefix: ''", "store.key_prefix: must be 1 to 64"),
        (", key_prefix: '{a}'", "store.key_prefix: must be 1 to 64"),
        (", tls_ca_file: ca.pem", "store.tls_ca_file: is only used with a rediss:// url"),
        (", sentinel_username: w", "store.sentinel_username: is only used with a redis+sentinel:// url"),
        (", sentinel_password: w", "store.sentinel_password: is only used with a redis+sentinel:// url"),
    ],
)
def test_a_store_setting_that_cannot_be_is_refused(refused, more, expected):
    assert expected in refused(store("embedded://state", more), files={"ca.pem": "x"})[0]


@pytest.mark.parametrize(
    ("more", "seconds"),
    [("", 0), (", max_staleness: 5m", 0), (", when_down: verify_signed", 60), (", when_down: verify_signed, max_staleness: 5m", 300)],
)  # fmt: skip
def test_verified_tokens_outlive_the_store_only_where_that_is_wished(load_text, more, seconds):
    assert load_text(store("embedded://state", more)).config.store.staleness == seconds


def test_an_encryption_key_is_long(refused):
    text = MINIMAL + "store: {encryption_key: short}\n"

    assert refused(text) == ["5:25: store.encryption_key: must be 32 characters or more"]


@pytest.mark.parametrize(("url", "clear"), [("redis://10.0.0.5", True), ("redis://127.0.0.1", False), ("rediss://10.0.0.5", False), ("unix:///r.sock", False), ("redis+cluster://127.0.0.1,10.0.0.5", True), ("rediss+cluster://10.0.0.5", False), ("redis+sentinel://localhost/gate", False)])  # fmt: skip
def test_only_a_distant_redis_without_tls_is_in_clear(load_text, url, clear):
    assert load_text(store(url)).config.store.crosses_network_in_clear is clear


@pytest.mark.parametrize(
    ("store", "seconds"),
    [
        ("", 2.0),
        ("store: {key_prefix: 'erp:'}\n", 2.0),
        ("store: {url: embedded://data}\n", 2.0),
        ("store: {url: embedded://data, timeout: 300ms}\n", 0.3),
        (f"store: {{url: redis://127.0.0.1, encryption_key: {'k' * 32}}}\n", 0.5),
    ],
)
def test_the_embedded_store_may_take_as_long_as_a_slow_disk(load_text, store, seconds):
    keys = KEYS if "redis" in store else ""

    assert load_text(MINIMAL + keys + store).config.store.timeout == seconds
