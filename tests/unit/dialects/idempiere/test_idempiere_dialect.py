"""A whole idempiere login over a real store: from the first step to the logout, every answer to the byte."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from argon2 import PasswordHasher
from fakes.garden import GARDEN, ONE_STEP, PEOPLE, SELF_SERVICE, declined, people, problem
from fakes.token_rig import PASSWORD, why_not

from gateway.dialects.contract import SpellsByRequest
from gateway.errors import CredentialsRejected, Reason, StoreUnavailable
from gateway.identity_providers.users import ProviderTools, Users
from gateway.model import TokenKind

NO_STORE = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
JSON = ((b"Content-Type", b"application/json"), *NO_STORE)
HOUR, DAY = 3600, 86400
OTHER_PASSWORD = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("another")
SIGNATURE = "The Token's Signature resulted invalid when verified using the Algorithm: HmacSHA512"
USER, ADMIN = ({"userName": name, "password": PASSWORD} for name in ("GardenUser", "GardenAdmin"))


def claims(token):
    return json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))


async def opens(garden, token):
    """None where the token opens a route, else why not."""
    return await why_not(garden.rig.verifier.verify(token.encode()))


def forged(token):
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{urlsafe_b64encode(urlsafe_b64decode(signature + '==')[::-1]).decode().rstrip('=')}"


# --- login in one step ---


async def test_a_login_in_one_step_is_answered_as_documented(garden):
    reply = await garden.ask("POST", "/tokens", {**ADMIN, "parameters": ONE_STEP})

    told = json.loads(reply.body)
    assert (reply.status, reply.headers) == (200, JSON)
    assert reply.body == b'{"userId":101,"language":"en_US","token":"%s","refresh_token":"%s"}' % (
        told["token"].encode(),
        told["refresh_token"].encode(),
    )
    assert list(claims(told["token"])) == [
        "sub",
        "AD_Client_ID",
        "AD_User_ID",
        "AD_Role_ID",
        "AD_Org_ID",
        "M_Warehouse_ID",
        "AD_Language",
        "AD_Session_ID",
        "iss",
        "exp",
    ]
    assert list(claims(told["refresh_token"])) == ["jti", "iss"]
    assert await opens(garden, told["token"]) is None


async def test_ids_that_were_left_out_or_named_are_told(garden):
    told = await garden.sign_in(parameters={"clientId": "GardenWorld", "roleId": "GardenWorld WebService"})

    assert list(told.items())[:6] == [
        ("clientId", 11),
        ("userId", 101),
        ("roleId", 2000001),
        ("organizationId", 11),
        ("warehouseId", 103),
        ("language", "en_US"),
    ]


async def test_ids_may_be_strings(garden):
    told = await garden.sign_in(parameters={name: str(value) for name, value in ONE_STEP.items()})

    assert list(told) == ["userId", "language", "token", "refresh_token"]


async def test_by_the_switch_the_menu_tree_is_told(garden_with):
    told = await garden_with(menu_tree_id="10").sign_in()

    assert list(told) == ["userId", "language", "menuTreeId", "token", "refresh_token"]
    assert told["menuTreeId"] == 10


async def test_a_stale_authorization_header_is_ignored(garden):
    for suffix, body in (("/tokens", {**ADMIN, "parameters": ONE_STEP}),):
        assert (await garden.ask("POST", suffix, body, token="stale")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {**ADMIN, "password": "wrong"},
        {**ADMIN, "userName": "nobody"},
        {"userName": "SelfService", "password": PASSWORD},
        {"userName": "GardenAdmin"},
        {"password": "x"},
        {},
    ],
)
async def test_a_login_that_fails_never_says_why(garden, body):
    reply = await garden.ask("POST", "/tokens", body)

    assert (reply.status, reply.body, reply.headers) == (401, declined("Invalid User ID or Password"), JSON)


async def test_a_choice_that_is_not_to_be_had_is_named(garden):
    reply = await garden.ask("POST", "/tokens", {**ADMIN, "parameters": {**ONE_STEP, "roleId": 200}})

    assert (reply.status, reply.body, reply.headers) == (401, declined("Invalid roleId"), JSON)


async def test_bodies_are_json(garden):
    refused = await garden.ask("POST", "/tokens", b"userName=ada", content_type="application/x-www-form-urlencoded")
    malformed = await garden.ask("POST", "/tokens", {**ADMIN, "more": 1})

    assert refused.status == 415
    assert (malformed.status, malformed.headers[0]) == (400, (b"Content-Type", b"text/plain"))


# --- login in two steps ---


async def test_the_first_step_lists_the_clients(garden):
    reply = await garden.ask("POST", "/tokens", ADMIN)

    token = json.loads(reply.body)["token"]
    assert (reply.status, reply.headers) == (200, JSON)
    assert (
        reply.body
        == (
            '{"clients":[{"id":11,"name":"GardenWorld"},{"id":1000000,"name":"Möbelwelt"}],"token":"' + token + '"}'
        ).encode()
    )
    assert list(claims(token).items()) == [
        ("sub", "GardenAdmin"),
        ("Clients", "11,1000000"),
        ("iss", "idempiere.org"),
        ("exp", int(garden.rig.clock.now) + HOUR),
    ]
    assert await opens(garden, token) is Reason.PREAUTH


@pytest.mark.parametrize(
    ("endpoint", "query", "body"),
    [
        (
            "/roles",
            "client=11",
            (
                b'{"roles":[{"id":102,"name":"GardenWorld Admin"},{"id":2000001,"name":"GardenWorld WebService"},'
                b'{"id":2000002,"name":"GardenWorld Everywhere"}]}'
            ),
        ),
        ("/organizations", "client=11&role=2000001", b'{"organizations":[{"id":11,"name":"HQ"}]}'),
        (
            "/warehouses",
            "client=11&role=2000001&organization=11",
            b'{"warehouses":[{"id":103,"name":"HQ Warehouse"},{"id":104,"name":"HQ Transit"}]}',
        ),
        ("/warehouses", "client=11&role=102&organization=0", b'{"warehouses":[]}'),
        ("/language", "client=11", b'{"AD_Language":"en_US"}'),
        ("/language", "client=1000000", b'{"AD_Language":"de_DE"}'),
    ],
)
async def test_the_second_step_lists_what_may_be_chosen(garden, endpoint, query, body):
    token = (await garden.sign_in(parameters=None))["token"]

    reply = await garden.ask("GET", endpoint, token=token, query=query)

    assert (reply.status, reply.body, reply.headers) == (200, body, JSON)


@pytest.mark.parametrize(
    ("endpoint", "query", "status", "body"),
    [
        ("/roles", "client=12", 401, declined("Invalid client")),
        ("/roles", "", 401, declined("Invalid client")),
        ("/organizations", "client=99&role=102", 401, declined("Invalid client")),
        ("/organizations", "client=11&role=200", 401, declined("Invalid role")),
        ("/organizations", "client=11", 401, declined("Invalid role")),
        ("/warehouses", "client=99", 401, declined("Invalid client")),
        ("/warehouses", "client=11&role=99", 401, declined("Invalid role")),
        ("/warehouses", "client=11&role=2000001&organization=12", 401, declined("Invalid organization")),
        ("/language", "client=99", 400, b""),
        ("/language", "", 400, b""),
        ("/roles", "client=x", 404, b'{"title":"Not Found","status":404,"detail":"There is nothing at this address."}'),
    ],
)
async def test_a_foreign_selection_is_refused(garden, endpoint, query, status, body):
    token = (await garden.sign_in(parameters=None))["token"]

    reply = await garden.ask("GET", endpoint, token=token, query=query)

    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("endpoint", ["/roles", "/organizations", "/warehouses", "/language"])
async def test_the_selection_needs_a_token(garden, endpoint):
    pair = await garden.sign_in()
    token = pair["token"]

    for header in (None, "", "Bearer", "Bearer ", f"bearer {token}", f"BEARER {token}", f"Basic {token}", token):
        headers = {} if header is None else {"authorization": header}
        reply = await garden.ask("GET", endpoint, query="client=11", **headers)
        assert (reply.status, reply.body, reply.headers) == (401, b"", NO_STORE)
    refresh = await garden.ask("GET", endpoint, token=pair["refresh_token"], query="client=11")
    assert (refresh.status, refresh.body) == (401, b"")
    malformed = await garden.ask("GET", endpoint, token="x", query="client=11")
    assert malformed.body == problem("The token was expected to have 3 parts, but got 1.")
    assert (await garden.ask("GET", endpoint, token=forged(token), query="client=11")).body == problem(SIGNATURE)
    garden.rig.clock.advance(HOUR + 1)
    assert (await garden.ask("GET", endpoint, token=token, query="client=11")).body == problem("Token has expired")


async def test_a_final_token_selects_nothing_but_tells_the_language(garden):
    token = (await garden.sign_in())["token"]

    assert (await garden.ask("GET", "/roles", token=token, query="client=11")).body == declined("Invalid client")
    assert (await garden.ask("GET", "/language", token=token, query="client=11")).status == 200


async def test_put_finishes_the_login(garden):
    preauth = (await garden.sign_in(parameters=None))["token"]

    reply = await garden.ask("PUT", "/tokens", {**ONE_STEP, "language": "de_DE"}, token=preauth)

    told = json.loads(reply.body)
    assert reply.body == b'{"userId":101,"language":"de_DE","token":"%s","refresh_token":"%s"}' % (
        told["token"].encode(),
        told["refresh_token"].encode(),
    )
    assert await opens(garden, told["token"]) is None
    assert "Clients" not in claims(told["token"])
    assert (await garden.ask("PUT", "/tokens", ONE_STEP, token=preauth)).status == 200


async def test_put_takes_the_defaults_for_what_is_left_out(garden):
    preauth = (await garden.sign_in(parameters=None))["token"]

    told = json.loads((await garden.ask("PUT", "/tokens", {"clientId": 11, "roleId": 102}, token=preauth)).body)

    assert list(told) == ["userId", "organizationId", "warehouseId", "language", "token", "refresh_token"]
    assert (told["organizationId"], told["warehouseId"]) == (11, 103)


async def test_put_with_a_final_token_is_declined(garden):
    token = (await garden.sign_in())["token"]

    reply = await garden.ask("PUT", "/tokens", ONE_STEP, token=token)

    assert (reply.status, reply.body) == (401, declined("Invalid clientId"))


async def test_put_needs_a_token_first(garden):
    reply = await garden.ask("PUT", "/tokens", b"nonsense")

    assert (reply.status, reply.body) == (401, b"")


async def test_by_the_switch_an_organization_has_to_be_chosen(garden_with):
    garden = garden_with(mandatory_organization_id="true")
    preauth = (await garden.sign_in(parameters=None))["token"]

    for role, detail in ((102, "Invalid organizationId"), (2000002, "Missing organizationId parameter")):
        reply = await garden.ask("PUT", "/tokens", {"clientId": 11, "roleId": role}, token=preauth)
        assert reply.body == declined(detail)


# --- abbreviated login ---


async def test_where_there_is_nothing_to_choose_the_first_step_is_the_last(garden):
    reply = await garden.ask("POST", "/tokens", USER)

    told = json.loads(reply.body)
    assert reply.body == (
        b'{"clients":[{"id":11,"name":"GardenWorld"}],"clientId":11,"userId":102,"roleId":2000001,"organizationId":11,'
        b'"warehouseId":103,"language":"en_US","token":"%s","refresh_token":"%s"}'
        % (told["token"].encode(), told["refresh_token"].encode())
    )
    assert list(claims(told["token"]))[:2] == ["sub", "Clients"]
    assert await opens(garden, told["token"]) is None


async def test_in_all_organizations_there_is_no_warehouse(garden):
    told = await garden.sign_in("everywhere", None)

    assert told["organizationId"] == 0
    assert "warehouseId" not in told
    assert "M_Warehouse_ID" not in claims(told["token"])


async def test_an_abbreviated_token_goes_on_as_in_two_steps(garden):
    """Clients follow the documentation to the letter: they ask for roles and PUT all the same."""
    token = (await garden.sign_in("GardenUser", None))["token"]

    assert (await garden.ask("GET", "/roles", token=token, query="client=11")).status == 200
    assert (await garden.ask("PUT", "/tokens", ONE_STEP, token=token)).status == 200
    assert await opens(garden, token) is None


async def test_where_no_tenants_are_known_one_stands_in(garden):
    told = await garden.sign_in("plain", None)

    assert told["clients"] == [{"id": 1, "name": "staff"}]
    assert [told[name] for name in ("clientId", "roleId", "organizationId")] == [1, 1, 1]
    verified = await garden.rig.verifier.verify(told["token"].encode())
    assert (verified.identity.tenant, verified.identity.roles) == ("", {"sales"})


# --- refresh ---


async def refresh(garden, token, **ids):
    return await garden.ask("POST", "/refresh", {"refresh_token": token, **ids})


async def test_a_refresh_answers_a_new_pair_and_leaves_the_old_access_token(garden):
    first = await garden.sign_in()
    garden.rig.clock.advance(10)

    reply = await refresh(garden, first["refresh_token"], clientId=11, userId=101)

    second = json.loads(reply.body)
    assert (reply.status, reply.headers) == (200, JSON)
    assert reply.body == b'{"token":"%s","refresh_token":"%s"}' % (
        second["token"].encode(),
        second["refresh_token"].encode(),
    )
    assert second["refresh_token"] != first["refresh_token"]
    assert {**claims(second["token"]), "exp": 0} == {**claims(first["token"]), "exp": 0}
    for token in (first["token"], second["token"]):
        assert await opens(garden, token) is None


async def test_two_tokens_of_one_second_are_not_the_same(garden):
    first = await garden.sign_in()

    second = json.loads((await refresh(garden, first["refresh_token"])).body)

    assert second["token"] != first["token"]
    assert claims(first["token"])["exp"] - claims(second["token"])["exp"] == 1


async def test_the_ids_of_a_refresh_are_optional_and_checked(garden):
    token = (await garden.sign_in())["refresh_token"]

    for ids in ({"clientId": 12}, {"userId": 102}, {"clientId": 11, "userId": 7}):
        reply = await refresh(garden, token, **ids)
        assert (reply.status, reply.body, reply.headers) == (401, declined("Invalid refresh token"), JSON)
    assert (await refresh(garden, token)).status == 200


async def test_by_their_switches_the_ids_of_a_refresh_are_mandatory(garden_with):
    garden = garden_with(mandatory_client_id_on_refresh="true", mandatory_user_id_on_refresh="true")
    token = (await garden.sign_in())["refresh_token"]

    assert (await refresh(garden, token)).body == declined("No clientId provided")
    assert (await refresh(garden, token, userId=101)).body == declined("No clientId provided")
    assert (await refresh(garden, token, clientId=11)).body == declined("No userId provided")
    assert (await refresh(garden, token, clientId=11, userId=101)).status == 200


async def test_mandatory_ids_are_looked_for_before_a_second_use(garden_with):
    garden = garden_with(mandatory_client_id_on_refresh="true")
    first = await garden.sign_in()
    second = json.loads((await refresh(garden, first["refresh_token"], clientId=11)).body)

    assert (await refresh(garden, first["refresh_token"])).body == declined("No clientId provided")
    assert await opens(garden, second["token"]) is None


async def test_a_second_use_ends_the_session_and_all_that_came_of_it(garden):
    first = await garden.sign_in()
    second = json.loads((await refresh(garden, first["refresh_token"])).body)

    reply = await refresh(garden, first["refresh_token"])

    assert (reply.status, reply.body, reply.headers) == (401, declined("Invalid refresh token"), JSON)
    for token in (first["token"], second["token"]):
        assert await opens(garden, token) is Reason.REVOKED
    assert (await refresh(garden, second["refresh_token"])).body == declined("Invalid refresh token")


async def test_a_second_use_is_looked_for_before_the_ids(garden):
    first = await garden.sign_in()
    await refresh(garden, first["refresh_token"])

    await refresh(garden, first["refresh_token"], clientId=99)

    assert await opens(garden, first["token"]) is Reason.REVOKED


async def test_of_two_refreshes_at_once_one_is_a_second_use(garden):
    """iDempiere's documented rule has no grace; `refresh.grace` buys one."""
    first = await garden.sign_in()

    replies = await asyncio.gather(*(refresh(garden, first["refresh_token"]) for _ in range(2)))

    assert sorted(reply.status for reply in replies) == [200, 401]
    assert await opens(garden, first["token"]) is Reason.REVOKED


async def test_with_a_grace_both_get_the_same_pair(garden_with):
    garden = garden_with(policy={"grace": 10.0})
    first = await garden.sign_in()

    replies = await asyncio.gather(*(refresh(garden, first["refresh_token"]) for _ in range(2)))

    assert replies[0].status == 200
    assert replies[0].body == replies[1].body


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        (lambda pair: "", "The token is null."),
        (lambda pair: "x", "The token was expected to have 3 parts, but got 1."),
        (lambda pair: "é.é.é", SIGNATURE),
        (lambda pair: forged(pair["refresh_token"]), SIGNATURE),
        (lambda pair: pair["token"], "Invalid refresh token"),
    ],
)
async def test_what_is_no_refresh_token_is_declined(garden, spoil, detail):
    pair = await garden.sign_in()

    reply = await refresh(garden, spoil(pair))

    assert (reply.status, reply.body) == (401, declined(detail))
    assert await opens(garden, pair["token"]) is None


async def test_a_refresh_token_slides_for_a_day_and_ends_after_a_week(garden):
    token = (await garden.sign_in())["refresh_token"]
    for _ in range(7):
        garden.rig.clock.advance(DAY - 60)
        reply = await refresh(garden, token)
        assert reply.status == 200
        token = json.loads(reply.body)["refresh_token"]

    garden.rig.clock.advance(HOUR)
    assert (await refresh(garden, token)).body == declined("Invalid refresh token")


async def test_a_refresh_token_that_is_not_used_ends_after_a_day(garden):
    pair = await garden.sign_in()
    garden.rig.clock.advance(DAY + 1)

    assert (await refresh(garden, pair["refresh_token"])).body == declined("Invalid refresh token")


async def test_an_access_token_lives_an_hour(garden):
    token = (await garden.sign_in())["token"]
    garden.rig.clock.advance(HOUR - 1)
    assert await opens(garden, token) is None
    garden.rig.clock.advance(2)
    assert await opens(garden, token) is Reason.EXPIRED


async def test_what_comes_of_a_refresh_chooses_nothing_more(garden):
    first = await garden.sign_in("GardenUser", None)
    second = json.loads((await refresh(garden, first["refresh_token"])).body)

    assert "Clients" not in claims(second["token"])
    assert (await garden.ask("PUT", "/tokens", ONE_STEP, token=second["token"])).body == declined("Invalid clientId")


def relist(garden, **changes):
    """As after a reload of the configuration that lists the users differently."""
    listed = people(**changes)
    garden.rig.relist(Users(listed, ProviderTools("staff", garden.rig.provider._checks)))


async def test_a_role_that_was_taken_away_opens_nothing_and_ends_the_session_at_the_next_refresh(garden):
    pair = await garden.sign_in("GardenUser")
    relist(garden, GardenUser={**PEOPLE["GardenUser"], "tenants": [{**GARDEN, "roles": [SELF_SERVICE]}]})

    assert await opens(garden, pair["token"]) is Reason.CHOICE_GONE
    assert (await refresh(garden, pair["refresh_token"])).body == declined("Invalid refresh token")
    relist(garden)
    assert await opens(garden, pair["token"]) is Reason.REVOKED


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        ({"locked": True}, "User is inactive"),
        ({"tenants": []}, "Client is inactive"),
        ({"tenants": [{**GARDEN, "roles": [SELF_SERVICE]}]}, "Role is inactive"),
        ({"password_hash": OTHER_PASSWORD}, "Token is revoked"),
    ],
)
async def test_what_was_made_inactive_is_told_in_the_title(garden, changed, title):
    """Also where a refresh token is left: it is dead, as after iDempiere's own change of a password."""
    pair = await garden.sign_in("GardenUser")
    relist(garden, GardenUser={**PEOPLE["GardenUser"], **changed})

    with pytest.raises(CredentialsRejected) as refused:
        await garden.login.broker.authenticate(pair["token"].encode())
    reply = garden.login.dialect.refuse(refused.value)

    assert (reply.status, reply.body, reply.headers) == (401, problem(title), JSON)
    assert (await refresh(garden, pair["refresh_token"])).body == declined("Invalid refresh token")


async def test_a_session_that_was_logged_out_is_told_as_revoked(garden):
    """iDempiere has an empty 401 for it, too, but looks at the revoked refresh token first."""
    pair = await garden.sign_in()
    await logout(garden, pair["token"])

    with pytest.raises(CredentialsRejected) as refused:
        await garden.login.broker.authenticate(pair["token"].encode())

    assert garden.login.dialect.refuse(refused.value).body == problem("Token is revoked")


async def test_a_user_s_own_roles_are_those_of_now(garden):
    pair = await garden.sign_in()
    relist(garden, GardenAdmin={**PEOPLE["GardenAdmin"], "roles": ["purchase"]})

    verified = await garden.rig.verifier.verify(pair["token"].encode())

    assert verified.identity.roles == {"purchase", "GardenWorld WebService"}


# --- logout ---


async def logout(garden, token):
    return await garden.ask("POST", "/logout", {"token": token})


async def test_a_logout_ends_the_token_and_its_refresh_token(garden):
    pair = await garden.sign_in()

    reply = await logout(garden, pair["token"])

    assert (reply.status, reply.body, reply.headers) == (200, b'{"summary":"OK"}', JSON)
    assert await opens(garden, pair["token"]) is Reason.REVOKED
    assert (await refresh(garden, pair["refresh_token"])).body == declined("Invalid refresh token")
    assert (await logout(garden, pair["token"])).body == b'{"summary":"OK"}'


@pytest.mark.parametrize("username", ["GardenAdmin", "plain"])
async def test_a_logout_by_a_stale_token_ends_the_session_too(garden, username):
    pair = await garden.sign_in(username, None if username == "plain" else ONE_STEP)
    garden.rig.clock.advance(HOUR + 60)

    assert (await logout(garden, pair["token"])).body == b'{"summary":"OK"}'

    assert (await refresh(garden, pair["refresh_token"])).body == declined("Invalid refresh token")


async def test_a_logout_needs_a_token_with_a_session(garden):
    pair, preauth = await garden.sign_in(), (await garden.sign_in(parameters=None))["token"]

    for token in (preauth, pair["refresh_token"]):
        reply = await logout(garden, token)
        assert (reply.status, reply.body) == (404, b'{"title":"AD_Session_ID not found","status":404}')
    for token, detail in (
        ("", "The token is null."),
        ("x.y", "The token was expected to have 3 parts, but got 2."),
        (forged(pair["token"]), SIGNATURE),
    ):
        reply = await logout(garden, token)
        assert (reply.status, reply.body, reply.headers) == (401, declined(detail), JSON)
    assert await opens(garden, pair["token"]) is None


# --- the rest ---


async def test_the_key_is_shown_by_its_switch_only(garden, garden_with):
    assert (await garden.ask("GET", "/jwk")).body == b"{}"
    shown = json.loads((await garden_with(expose_jwk="true").ask("GET", "/jwk")).body)

    assert list(shown["keys"][0]) == ["alg", "k", "kid", "kty"]
    assert len(shown["keys"]) == 1


@pytest.mark.parametrize(
    ("suffix", "allowed"),
    [("/tokens", "POST, PUT, OPTIONS"), ("/refresh", "POST, OPTIONS"), ("/roles", "GET, OPTIONS")],
)
async def test_options_are_told_to_anybody(garden, suffix, allowed):
    reply = await garden.ask("OPTIONS", suffix)

    assert (reply.status, reply.body, reply.headers) == (200, b"", ((b"Allow", allowed.encode()), *NO_STORE))


async def test_a_locale_is_taken_and_changes_no_word_of_ours(garden):
    """What the ERP says itself it says in that language: a route passes the parameter on."""
    reply = await garden.ask("POST", "/tokens", {**ADMIN, "password": "wrong"}, query="locale=de_DE")

    assert reply.body == declined("Invalid User ID or Password")
    assert (await garden.ask("POST", "/tokens", {**ADMIN, "parameters": ONE_STEP}, query="locale=de_DE")).status == 200


async def test_a_token_made_with_the_shown_key_opens_nothing(garden_with):
    garden = garden_with(expose_jwk="true")
    session = (await garden.rig.verifier.verify((await garden.sign_in())["token"].encode())).session_id
    stored = await garden.rig.store.session(session)

    forgery = garden.login.tokens.mint(TokenKind.ACCESS, stored, garden.rig.clock.now, garden.rig.clock.now + 30)

    assert await opens(garden, forgery) is Reason.UNKNOWN


async def test_tokens_may_be_opaque(garden_with):
    garden = garden_with(policy={"format": "opaque"}, expose_jwk="true")
    preauth = (await garden.sign_in(parameters=None))["token"]
    assert (await garden.ask("GET", "/roles", token=preauth, query="client=11")).status == 200
    pair = json.loads((await garden.ask("PUT", "/tokens", ONE_STEP, token=preauth)).body)

    assert "." not in pair["token"]
    assert (await garden.ask("PUT", "/tokens", ONE_STEP, token=pair["token"])).body == declined("Invalid clientId")
    assert (await refresh(garden, pair["refresh_token"])).status == 200
    assert (await logout(garden, pair["token"])).status == 200
    assert (await garden.ask("GET", "/jwk")).body == b"{}"


async def test_the_session_tells_the_upstream_who_was_chosen(garden):
    token = (await garden.sign_in())["token"]

    identity = (await garden.rig.verifier.verify(token.encode())).identity

    assert (identity.user, identity.user_id, identity.tenant) == ("GardenAdmin", "101", "GardenWorld")
    assert identity.roles == {"sales", "GardenWorld WebService"}


async def test_a_store_that_is_away_is_a_503(garden, monkeypatch):
    async def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr(type(garden.login.broker), "open", away)

    reply = await garden.ask("POST", "/tokens", {**ADMIN, "parameters": ONE_STEP})

    assert (reply.status, json.loads(reply.body)["title"]) == (503, "Service Unavailable")
    assert (b"Retry-After", b"1") in reply.headers


def test_the_login_has_no_documents_of_its_own_and_reads_as_idempiere_does(garden):
    dialect = garden.login.dialect

    assert dialect.well_known() == {}
    assert dialect.reading.scheme_case_sensitive
    assert dialect.reading.tells_token
    assert dialect.cookie is None
    assert not isinstance(dialect, SpellsByRequest)


async def test_a_user_who_signs_in_very_often_in_one_second_gets_a_token_each_time(garden):
    """Nothing in a pre-auth token is random: only its end tells it from another one of the same second."""
    told = [await garden.sign_in(parameters=None) for _ in range(60)]

    assert len({each["token"] for each in told}) == 60
    ends = [claims(each["token"])["exp"] for each in told]
    assert max(ends) - min(ends) <= 364
