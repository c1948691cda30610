"""A store with TLS and a user of least rights: what the manual says is enough, and no more is given. On real servers."""

import re
from pathlib import Path

import pytest
from fakes.authority import write_certificates
from fakes.records import access, digest, session
from fakes.redis_rigs import ClusterRig, Replicated, SentinelRig
from fakes.rig_servers import PASSWORD, ROOT, USER, documented_user
from fakes.servers import PROGRAMS, StoreServer
from fakes.waiting import eventually
from redis import Redis
from redis.exceptions import NoPermissionError

from gateway.config.secret import Secret
from gateway.config.store import StoreConfig
from gateway.errors import StoreUnavailable
from gateway.state import connect
from gateway.state.connect import open_store
from gateway.state.feed import Feed

RIGS = {"single": Replicated, "sentinel": SentinelRig, "cluster": ClusterRig}
FORBIDDEN = [
    ("FLUSHALL",),
    ("KEYS", "*"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("EVAL", "return 1", "0"),
    ("SCRIPT", "FLUSH"),
    ("GET", "other:key"),
    ("SET", "other:key", "1"),
    ("PUBLISH", "other", "x"),
    ("SUBSCRIBE", "gw:other"),
    ("REPLICAOF", "NO", "ONE"),
    ("CLIENT", "LIST"),
    ("SHUTDOWN",),
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    write_certificates(directory)
    return directory


@pytest.fixture(scope="module", params=RIGS)
def rig(request, certificates, tmp_path_factory):
    """All connections in TLS, and a password for everybody. Debian's redis-server: the bundled Valkey has no TLS."""
    with RIGS[request.param]("redis", tmp_path_factory.mktemp("rig"), password="hush", tls=certificates) as rig:
        yield rig


def settings(rig, certificates, **other):
    return StoreConfig(
        **{"url": rig.url, "password": Secret("hush"), "tls_ca_file": "ca.pem", "timeout": 10.0, **other}
    )


async def test_tokens_are_kept_behind_tls_and_a_password(rig, certificates, clock):
    store = open_store(settings(rig, certificates), base=certificates, clock=clock)
    feed = Feed(store)
    await feed.start()

    await store.open_session(session("s1", clock), [access("a", clock)])

    assert (await store.find_token(digest("a"))).session.id == "s1"
    await eventually(lambda: feed.alive)
    assert await store.revoke_session("s1", "logout")
    await feed.stop()
    await store.close()


@pytest.mark.parametrize(
    "wrong",
    [{"password": Secret("guessed")}, {"password": Secret()}, {"tls_ca_file": ""}],
    ids=["a wrong password", "no password", "an authority that the system does not know"],
)
async def test_what_is_not_trusted_is_an_outage(rig, certificates, clock, wrong):
    store = open_store(settings(rig, certificates, timeout=2.0, **wrong), base=certificates, clock=clock)

    with pytest.raises(StoreUnavailable) as refused:
        await store.find_token(digest("a"))

    assert "guessed" not in str(refused.value)
    await store.close()


async def test_a_certificate_for_another_name_is_an_outage(rig, certificates, clock):
    url = rig.url.replace("127.0.0.1", "localhost")
    store = open_store(settings(rig, certificates, timeout=2.0, url=url), base=certificates, clock=clock)

    with pytest.raises(StoreUnavailable):
        await store.find_token(digest("a"))

    await store.close()


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def plain(request, tmp_path_factory):
    with Replicated(request.param, tmp_path_factory.mktemp("plain"), replicas=0) as rig:
        rig.master.admin("ACL", "SETUSER", USER, *documented_user())
        yield rig


@pytest.mark.parametrize("command", FORBIDDEN, ids=" ".join)
def test_the_least_of_users_can_do_nothing_else(plain, command):
    with (
        Redis(host="127.0.0.1", port=plain.master.port, username=USER, password=PASSWORD) as client,
        pytest.raises(NoPermissionError),
    ):
        client.execute_command(*command)


def test_the_least_of_users_has_only_what_the_scripts_and_the_gateway_say():
    """Each right is one that the code names; the contract tests show that none is missing."""
    granted = {word[1:].replace("|", " ").upper() for word in documented_user() if word.startswith("+")}
    package = Path(connect.__file__).parent
    said = "".join(file.read_text() for file in (*package.glob("*.py"), *package.glob("*.lua")))

    for right in granted:
        assert all(word in said for word in right.split(" ")), right


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
async def test_sentinels_have_a_password_of_their_own(kind, tmp_path, clock):
    with SentinelRig(kind, tmp_path, replicas=1, password="hush", their_password="whisper") as rig:
        config = StoreConfig(url=rig.url, password=Secret("hush"), sentinel_password=Secret("whisper"), timeout=10.0)
        store = open_store(config, clock=clock)
        stranger = open_store(
            config.model_copy(update={"sentinel_password": Secret("guessed"), "timeout": 1.0}), clock=clock
        )

        await store.open_session(session("s1", clock), [access("a", clock)])

        assert await store.find_token(digest("a"))
        with pytest.raises(StoreUnavailable) as refused:
            await stranger.find_token(digest("a"))
        assert "guessed" not in str(refused.value)
        await store.close()
        await stranger.close()


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
async def test_the_least_of_users_can_be_pasted_into_a_users_file(kind, tmp_path, clock):
    """A server reads one user from each line of it, and knows no lines that go on."""
    users = tmp_path / "users.acl"
    block = re.search(r"^```\n(user gateway .*?)^```", (ROOT / "docs/redis.md").read_text(), re.DOTALL | re.MULTILINE)
    users.write_text(block[1].replace("PASSWORD", "hush"))
    server = StoreServer(kind, tmp_path, "--aclfile", str(users)).start()
    store = open_store(
        StoreConfig(url=server.url, username="gateway", password=Secret("hush"), timeout=10.0), clock=clock
    )

    await store.open_session(session("s1", clock), [access("a", clock)])

    assert await store.find_token(digest("a"))
    await store.close()
    server.stop()


async def test_another_prefix_has_another_user(plain, clock):
    plain.master.admin("ACL", "SETUSER", "shop", *documented_user("shop:"))
    config = StoreConfig(url=plain.url, username="shop", password=Secret(PASSWORD), key_prefix="shop:", timeout=10.0)
    theirs = open_store(config, clock=clock)
    ours = open_store(config.model_copy(update={"key_prefix": "gw:"}), clock=clock)

    await theirs.open_session(session("s1", clock), [access("a", clock)])

    assert await theirs.find_token(digest("a"))
    with pytest.raises(StoreUnavailable, match="NOPERM"):
        await ours.find_token(digest("a"))
    await theirs.close()
    await ours.close()
