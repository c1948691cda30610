from hashlib import sha256

from fakes.clock import Clock

from gateway.authn.api_keys import PROVIDER, ApiKeys, DeclaredKey
from gateway.errors import Reason


def digest(text):
    return sha256(text).hexdigest()


def test_a_key_is_found_by_its_hash_alone():
    keys = ApiKeys([DeclaredKey("k1", digest(b"secret"), "scanner", ("sales",), ("read",), ("orders",))], Clock())

    found = keys.find(b"secret")

    identity = found.identity
    assert (identity.provider, identity.user, identity.user_id) == (PROVIDER, "scanner", "scanner")
    assert (identity.method, identity.key_id, identity.login) == ("api_key", "k1", "")
    assert (identity.roles, identity.scopes, identity.key_routes) == ({"sales"}, {"read"}, {"orders"})
    assert keys.find(digest(b"secret").encode()) is None
    assert keys.find(b"Secret") is None


def test_a_key_ends_with_the_first_moment_of_its_expiry():
    clock = Clock(1000.0)
    keys = ApiKeys([DeclaredKey("k1", digest(b"secret"), "scanner", expires_at=1000.5)], clock)

    assert keys.find(b"secret") is not None
    clock.advance(0.5)
    assert keys.find(b"secret") is None
    assert keys.declares(b"secret"), "it is still one of ours, and must not be passed on"


def test_a_key_that_opens_nothing_says_why():
    clock = Clock(1000.0)
    keys = ApiKeys(
        [
            DeclaredKey("k1", digest(b"secret"), "scanner", expires_at=1000.5),
            DeclaredKey("k2", digest(b"blocked"), "scanner", expires_at=1000.5, blocked=True),
        ],
        clock,
    )

    assert (keys.why_not(b"secret"), keys.why_not(b"blocked")) == (None, Reason.KEY_BLOCKED)
    assert keys.find(b"blocked") is None
    assert keys.declares(b"blocked"), "it must not be passed on"
    clock.advance(1)
    assert (keys.why_not(b"secret"), keys.why_not(b"blocked")) == (Reason.KEY_EXPIRED, Reason.KEY_BLOCKED)
    assert keys.why_not(b"nobody's") is None


def test_the_same_key_is_the_same_object_so_that_its_headers_are_made_once():
    keys = ApiKeys([DeclaredKey("k1", digest(b"secret"), "scanner")], Clock())

    assert keys.find(b"secret") is keys.find(b"secret")


def test_without_keys_there_are_none():
    keys = ApiKeys([], Clock())

    assert not keys
    assert not keys.declares(b"")
    assert keys.find(b"") is None


def test_no_repr_shows_a_key_that_was_found():
    keys = ApiKeys([DeclaredKey("k1", digest(b"secret"), "scanner")], Clock())

    assert "secret" not in repr(keys.find(b"secret"))
