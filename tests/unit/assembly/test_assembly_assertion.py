import jwt
import pytest
from fakes.clock import Clock

from gateway.assembly.assertion import sign_with
from gateway.model import Identity
from gateway.tokens.keys import KeyMaterial, SigningKeys

ADA = Identity(
    "staff",
    "101",
    "ada",
    "api_key",
    frozenset({"b", "a"}),
    frozenset({"w", "r"}),
    "GardenWorld",
    "native",
    session_id="secret",
)


@pytest.fixture
def keys():
    return SigningKeys([KeyMaterial("k1", "HS256", b"0123456789abcdef0123456789abcdef")])


@pytest.fixture
def key(keys):
    return keys.ensure_asymmetric()


@pytest.fixture
def clock():
    return Clock(1_800_000_000.9)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_it_says_who_calls_and_for_whom(key, clock):
    sign = sign_with(key, issuer="https://gate", audience="odoo", ttl=60, clock=clock)

    claims = claims_of(sign(ADA))

    assert claims.pop("jti")
    assert claims == {
        "iss": "https://gate",
        "sub": "101",
        "aud": "odoo",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
        "name": "ada",
        "provider": "staff",
        "login": "native",
        "roles": ["a", "b"],
        "scope": "r w",
        "tenant": "GardenWorld",
        "method": "api_key",
    }


def test_each_has_an_id_of_its_own_and_is_no_access_token(key, clock):
    sign = sign_with(key, issuer="https://gate", audience="odoo", ttl=0.5, clock=clock)

    assert claims_of(sign(ADA))["jti"] != claims_of(sign(ADA))["jti"]
    assert claims_of(sign(ADA))["exp"] == 1_800_000_001
    assert jwt.get_unverified_header(sign(ADA))["typ"] == "JWT"


def test_the_published_key_verifies_it(keys, key, clock):
    clock.now = 4_000_000_000.0
    token = sign_with(key, issuer="https://gate", audience="odoo", ttl=60, clock=clock)(ADA)
    header = jwt.get_unverified_header(token)
    (published,) = [each for each in keys.jwks()["keys"] if each["kid"] == header["kid"]]

    assert jwt.decode(
        token, jwt.PyJWK(published), algorithms=[header["alg"]], audience="odoo", options={"verify_iat": False}
    )
