"""iDempiere's JWTs, to the byte."""

import hashlib
import hmac
import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from math import inf

import pytest
from fakes.still_broker import SESSION
from fakes.token_rig import SECRET, START

from gateway.dialects.idempiere.tokens import IdempiereTokens
from gateway.model import TokenKind
from gateway.tokens.format import Recognised
from gateway.tokens.keys import KeyMaterial, SigningKeys

CHOSEN = {"tenant": "11", "role": "2000001", "organization": "11", "warehouse": "103", "language": "en_US"}
FINAL = replace(SESSION, login="idempiere", user="GardenAdmin", context=CHOSEN)
PREAUTH = replace(FINAL, context={"clients": "11,12"})
HEADER = "eyJraWQiOiJpZGVtcGllcmUiLCJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9"
NOW = START
END = NOW + 3600


def tokens(login="idempiere", *materials):
    return IdempiereTokens(SigningKeys(materials or [KeyMaterial("k1", "HS256", SECRET)]).ring(login))


def parts(token):
    header, payload, signature = token.split(".")
    return header, urlsafe_b64decode(payload + "==").decode(), urlsafe_b64decode(signature + "==")


def test_the_header_is_idempiere_s_in_its_order():
    header, _, signature = parts(tokens().mint(TokenKind.ACCESS, FINAL, NOW, END))

    assert header == HEADER
    assert urlsafe_b64decode(header + "==") == b'{"kid":"idempiere","alg":"HS512","typ":"JWT"}'
    assert header.startswith("eyJraWQiOiJpZGVtcGllcmUi")
    assert len(signature) == 64


@pytest.mark.parametrize(
    ("context", "payload"),
    [
        (
            CHOSEN,
            (
                '{"sub":"GardenAdmin","AD_Client_ID":11,"AD_User_ID":101,"AD_Role_ID":2000001,"AD_Org_ID":11,'
                '"M_Warehouse_ID":103,"AD_Language":"en_US","AD_Session_ID":%d,"iss":"idempiere.org","exp":1800003600}'
            ),
        ),
        (
            {**CHOSEN, "organization": "0", "warehouse": "0", "clients": "11"},
            (
                '{"sub":"GardenAdmin","Clients":"11","AD_Client_ID":11,"AD_User_ID":101,"AD_Role_ID":2000001,'
                '"AD_Org_ID":0,"AD_Language":"en_US","AD_Session_ID":%d,"iss":"idempiere.org","exp":1800003600}'
            ),
        ),
    ],
)
def test_the_claims_of_a_final_token(context, payload):
    made = tokens().mint(TokenKind.ACCESS, replace(FINAL, context=context), NOW, END)
    number = json.loads(parts(made)[1])["AD_Session_ID"]

    assert parts(made)[1] == payload % number


def test_the_claims_of_a_preauth_token():
    made = tokens().mint(TokenKind.PREAUTH, PREAUTH, NOW, END)

    assert parts(made)[1] == '{"sub":"GardenAdmin","Clients":"11,12","iss":"idempiere.org","exp":1800003600}'


def test_a_refresh_token_has_no_end_and_names_nobody():
    made = [parts(tokens().mint(TokenKind.REFRESH, FINAL, NOW, END)) for _ in range(2)]

    assert made[0][0] == HEADER
    claims = json.loads(made[0][1])
    assert list(claims) == ["jti", "iss"]
    assert claims["iss"] == "idempiere.org"
    assert len(bytes.fromhex(claims["jti"])) == 32
    assert claims["jti"] == claims["jti"].lower()
    assert made[0][1] != made[1][1]


def test_a_token_without_an_end_has_no_exp():
    for kind in (TokenKind.ACCESS, TokenKind.APPLICATION):
        assert "exp" not in json.loads(parts(tokens().mint(kind, FINAL, NOW, inf))[1])


@pytest.mark.parametrize("kind", [TokenKind.ACCESS, TokenKind.PREAUTH, TokenKind.REFRESH])
def test_a_token_is_recognised_by_its_own_login_only(kind):
    session = PREAUTH if kind is TokenKind.PREAUTH else FINAL
    made = tokens().mint(kind, session, NOW, END).encode()

    found = tokens().recognise(made, NOW)
    assert (found.kind, found.expired) == (kind, False)
    assert tokens().is_ours(made)
    assert tokens().fits(found, session)
    assert tokens("other").recognise(made, NOW) is None
    assert not tokens("other").is_ours(made)


def test_a_stale_token_is_still_recognised():
    made = tokens().mint(TokenKind.ACCESS, FINAL, NOW, END).encode()

    assert not tokens().recognise(made, END).expired
    assert tokens().recognise(made, END + 1).expired
    assert not tokens().recognise(tokens().mint(TokenKind.REFRESH, FINAL, NOW, END).encode(), END * 2).expired


@pytest.mark.parametrize(("user_id", "told"), [("101", "101"), ("GardenAdmin", "GardenAdmin")])
def test_a_stale_token_tells_whose_session_it_was(user_id, told):
    session = replace(FINAL, user_id=user_id)

    assert tokens().recognise(tokens().mint(TokenKind.ACCESS, session, NOW, END).encode(), NOW).user_id == told


def test_a_token_fits_its_own_session_only():
    made = tokens().recognise(tokens().mint(TokenKind.ACCESS, FINAL, NOW, END).encode(), NOW)

    assert not tokens().fits(made, replace(FINAL, id="another"))
    assert tokens().fits(Recognised(TokenKind.REFRESH, {"jti": "x"}), FINAL)


@pytest.mark.parametrize("damage", [b"x", b".", b"=", b" "])
def test_another_spelling_is_refused(damage):
    made = tokens().mint(TokenKind.ACCESS, FINAL, NOW, END).encode()

    assert tokens().recognise(made + damage, NOW) is None
    assert tokens().recognise(b"", NOW) is None


def test_a_token_of_another_header_is_none():
    """`alg: none`, another order, another algorithm: whatever is claimed, only our own header counts."""
    made = tokens().mint(TokenKind.ACCESS, FINAL, NOW, END).encode()
    _, payload, signature = made.split(b".")

    for header in (b'{"alg":"none"}', b'{"alg":"HS512","kid":"idempiere","typ":"JWT"}'):
        forged = urlsafe_b64encode(header).rstrip(b"=") + b"." + payload + b"." + signature
        assert tokens().recognise(forged, NOW) is None


def test_the_older_key_still_verifies():
    first, second = KeyMaterial("k1", "HS256", SECRET), KeyMaterial("k2", "HS512", SECRET[::-1] * 2)
    made = tokens("idempiere", first).mint(TokenKind.ACCESS, FINAL, NOW, END).encode()

    assert tokens("idempiere", second, first).recognise(made, NOW).kind is TokenKind.ACCESS
    assert tokens("idempiere", second).recognise(made, NOW) is None


def test_the_key_that_is_shown_verifies_access_tokens_and_no_refresh_token():
    shown = tokens().jwk()
    (key,) = shown["keys"]
    assert {name: value for name, value in key.items() if name != "k"} == {
        "alg": "HS512",
        "kid": "idempiere",
        "kty": "oct",
    }
    assert list(key) == ["alg", "k", "kid", "kty"]

    for kind, verifies in ((TokenKind.ACCESS, True), (TokenKind.REFRESH, False)):
        made = tokens().mint(kind, FINAL, NOW, END)
        signature = hmac.digest(b64decode(key["k"]), made.rpartition(".")[0].encode(), hashlib.sha512)
        assert (signature == parts(made)[2]) is verifies
