"""The JWTs of an itempath login, to the byte, and beside those that Flask-JWT-Extended makes."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from uuid import UUID

import jwt
import pytest
from fakes.flask_jwt import FlaskItemPath
from fakes.still_broker import SESSION
from fakes.token_rig import SECRET

from gateway.dialects.itempath_tokens import ItemPathTokens
from gateway.model import TokenKind
from gateway.tokens.keys import KeyMaterial, SigningKeys

RING = SigningKeys([KeyMaterial("k1", "HS256", SECRET)]).ring("itempath")
NOW = 1_631_406_181.75
MGORDON = replace(SESSION, user="mgordon", user_id="7")
KINDS = {
    TokenKind.ACCESS: (b'"access"', b',"exp":1631407081', NOW + 900),
    TokenKind.REFRESH: (b'"refresh"', b',"exp":1633998181', NOW + 2_592_000),
    TokenKind.APPLICATION: (b'"access"', b"", float("inf")),
}


@pytest.fixture
def tokens():
    return ItemPathTokens(RING)


def segment(token, at):
    part = token.split(".")[at]
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize("kind", KINDS)
def test_header_and_claims_are_the_documented_ones(tokens, kind):
    written, end, expires_at = KINDS[kind]

    token = tokens.mint(kind, MGORDON, NOW, expires_at)

    assert token.startswith("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.")
    claims = json.loads(segment(token, 1))
    assert UUID(claims["jti"]).version == 4
    assert segment(token, 1) == (
        b'{"fresh":false,"iat":1631406181,"jti":"%b","type":%b,"identity":"mgordon","nbf":1631406181%b}'
        % (claims["jti"].encode(), written, end)
    )


def shape(token):
    """All of a token but its random parts, its times and its key."""
    claims = json.loads(segment(token, 1))
    lives = claims["exp"] - claims["iat"] if "exp" in claims else None
    changing = {"jti": 0, "csrf": 0, "iat": 0, "nbf": claims["nbf"] - claims["iat"], "exp": lives}
    fixed = json.dumps({name: changing.get(name, value) for name, value in claims.items()})
    spelled = json.dumps(claims, separators=(",", ":")).encode() == segment(token, 1)
    return fixed, spelled, json.loads(segment(token, 0)), len(token)


@pytest.mark.parametrize("identity", ["mgordon", "Zoë Ünal", 'a"\\b', "😀"])
def test_flask_jwt_extended_writes_the_same(tokens, identity):
    flask = FlaskItemPath()
    session = replace(MGORDON, user=identity)

    assert shape(tokens.mint(TokenKind.ACCESS, session, NOW, NOW + 900)) == shape(flask.access(identity=identity))
    assert shape(tokens.mint(TokenKind.REFRESH, session, NOW, NOW + 2_592_000)) == shape(
        flask.refresh(identity=identity)
    )
    if identity == "mgordon":
        inf = float("inf")
        assert shape(tokens.mint(TokenKind.APPLICATION, session, NOW, inf)) == shape(flask.application())


def test_newer_releases_write_the_same_with_both_switches():
    flask = FlaskItemPath(JWT_COOKIE_CSRF_PROTECT=True, JWT_TOKEN_LOCATION=["headers", "cookies"])
    newer = ItemPathTokens(RING, alg_first=True, csrf_claim=True)
    made, theirs = newer.mint(TokenKind.ACCESS, MGORDON, NOW, NOW + 900), flask.access()

    assert shape(made) == shape(theirs)
    assert segment(made, 0) == segment(theirs, 0) == b'{"alg":"HS256","typ":"JWT"}'


def test_the_claims_are_read_by_the_library_itself(tokens):
    token = tokens.mint(TokenKind.ACCESS, MGORDON, NOW, NOW + 900)
    (key,) = RING.secrets("jwt HS256 itempath access", 32)

    claims = jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False})

    assert claims["identity"] == "mgordon"


def test_an_application_token_is_told_from_an_access_token_without_an_end(tokens):
    inf = float("inf")

    for kind in (TokenKind.ACCESS, TokenKind.APPLICATION):
        recognised = tokens.recognise(tokens.mint(kind, MGORDON, NOW, inf).encode(), NOW + 1e9)
        assert (recognised.kind, recognised.expired) == (kind, False)


def test_a_token_that_one_of_our_keys_signed_without_an_identity_is_none(tokens):
    (key, *_) = RING.hmac_keys("HS256", "itempath access")
    nameless = jwt.encode(
        {"type": "access"}, RING.secrets("jwt HS256 itempath access", 32)[0], "HS256", headers={"typ": "JWT"}
    )
    ours = ItemPathTokens(RING, alg_first=True)

    assert key.algorithm == "HS256"
    assert ours.lacks_identity(nameless.encode())
    assert ours.recognise(nameless.encode(), NOW) is None
    assert ours.is_ours(nameless.encode())
    assert not ours.lacks_identity(ours.mint(TokenKind.ACCESS, MGORDON, NOW, NOW + 900).encode())
    assert not ours.lacks_identity(b"garbage")


def test_a_user_may_get_another_name(tokens):
    recognised = tokens.recognise(tokens.mint(TokenKind.REFRESH, MGORDON, NOW, NOW + 900).encode(), NOW)

    assert tokens.fits(recognised, replace(MGORDON, user="renamed"))
