"""Every credential source, alone and with others, on routes that list it and on routes that do not."""

import pytest
from fakes.plain_client import bearer
from fakes.small_shop import ERP_KEY, LIMITED_KEY, OLD_KEY, SCANNER_KEY

KEY = ("X-API-Key", SCANNER_KEY)
KEY_AS_BEARER = bearer(SCANNER_KEY)
FOREIGN = bearer("somebody-elses-token")


def test_a_bearer_token_is_forwarded_as_an_identity(shop, client, erp):
    answer = client.get("/mixed/x", shop.bearer())

    assert answer.status == 200
    assert erp.last.all("Authorization") == []
    assert erp.last.one("X-Auth-User") == "ada"
    assert erp.last.one("X-Auth-User-Id") == "101"
    assert erp.last.one("X-Auth-Roles") == "big%2C boss,sales"
    assert erp.last.one("X-Auth-Tenant") == "GardenWorld"
    assert erp.last.one("X-Auth-Method") == "bearer"
    assert erp.last.one("X-Auth-Login") == "native"


def test_an_opaque_token_is_as_good_as_a_jwt(shop, client, erp):
    token = shop.token(login="opaque")

    assert token.startswith("gwa_")
    assert client.get("/mixed/x", bearer(token)).status == 200
    assert erp.last.one("X-Auth-Login") == "opaque"


def test_a_name_beyond_ascii_is_one_line_of_ascii(shop, client, erp):
    client.get("/mixed/x", shop.bearer("Zoë Ünal"))

    assert erp.last.one("X-Auth-User") == "Zo%C3%AB %C3%9Cnal"
    assert erp.last.all("X-Auth-Roles") == []


@pytest.mark.parametrize("header", [KEY, KEY_AS_BEARER], ids=["X-API-Key", "Bearer"])
def test_an_api_key_counts_where_keys_are_listed(client, erp, header):
    answer = client.get("/mixed/x", header)

    assert answer.status == 200
    assert erp.last.one("X-Auth-User") == "scanner"
    assert erp.last.one("X-Auth-Method") == "api_key"
    assert erp.last.all("X-API-Key") == erp.last.all("Authorization") == []


@pytest.mark.parametrize("path", ["/key-only/x", "/mixed/x"])
def test_an_api_key_as_bearer_needs_keys_listed_and_no_bearer(client, path):
    assert client.get(path, KEY_AS_BEARER).status == 200


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("/bearer-only/x", KEY, 401),  # a key where keys are not listed is no credential
        ("/bearer-only/x", KEY_AS_BEARER, 401),
        ("/image-only/x", KEY, 401),
        ("/mixed/x", ("X-API-Key", "a-declared-scanner-key-0124"), 401),
        ("/mixed/x", ("X-API-Key", ""), 401),
        ("/mixed/x", ("X-API-Key", OLD_KEY), 401),
        ("/mixed/x", bearer(""), 401),
        ("/mixed/x", FOREIGN, 401),
        ("/mixed/x", ("Authorization", "Basic YWRhOmNvcnJlY3QgaG9yc2U="), 401),
        ("/mixed/x", ("Authorization", "Bearer\tx"), 401),
        ("/mixed/x", ("Authorization", "Bearer a, Bearer b"), 401),
        ("/mixed/x", ("Cookie", "session_id=1"), 401),
        ("/mixed/x", ("X-API-Key", LIMITED_KEY), 403),
        ("/images/x", ("X-API-Key", LIMITED_KEY), 200),
    ],
)
def test_what_is_no_credential_of_the_route_opens_nothing(client, erp, path, header, status):
    answer = client.get(path, header)

    assert answer.status == status
    assert len(erp.seen) == (status == 200)


def test_a_token_of_another_login_is_refused_where_logins_are_named(shop, client):
    assert client.get("/native-only/x", shop.bearer()).status == 200
    assert client.get("/native-only/x", shop.bearer(login="opaque")).status == 401


def test_a_refresh_token_opens_nothing(shop, client):
    assert client.get("/mixed/x", bearer(shop.login()["refresh_token"])).status == 401


def test_without_a_credential_the_answer_says_which_kind_is_asked_for(client):
    answer = client.get("/mixed/x")

    assert answer.status == 401
    assert answer.one("WWW-Authenticate") == "Bearer"
    assert answer.json["error"] == "unauthorized"
    assert answer.json["request_id"]


def test_a_whitelisted_method_and_path_needs_no_credential(client, erp):
    assert client.get("/mixed/open/x").status == 200
    assert [name for name, _ in erp.last.headers if name.lower().startswith("x-auth")] == []
    assert client.post("/mixed/open/x").status == 401
    assert client.get("/mixed/opening").status == 401


@pytest.mark.parametrize("header", [FOREIGN, bearer("gwa_" + "A" * 44), ("X-API-Key", "no-such-key")])
def test_a_bad_credential_is_refused_on_an_anonymous_path_too(client, header):
    assert client.get("/mixed/open/x", header).status == 401


def test_a_good_credential_on_an_anonymous_path_is_told_to_the_erp(shop, client, erp):
    client.get("/mixed/open/x", shop.bearer())

    assert erp.last.one("X-Auth-User") == "ada"


def test_a_public_route_judges_nothing_and_tells_nothing(shop, client, erp):
    for header in (FOREIGN, ("Authorization", "Basic eDp5"), ("X-API-Key", "theirs"), ("Cookie", "session_id=1")):
        assert client.get("/public/x", header).status == 200
        assert header in erp.last.headers
    assert client.get("/public/x").status == 200
    assert not [name for name, _ in erp.last.headers if name.startswith(("X-Auth", "X-ERP-Key"))]


@pytest.mark.parametrize("path", ["/public/x", "/takeover/open", "/image-only/x"])
def test_what_is_ours_never_reaches_the_erp(shop, client, erp, path):
    ours = (shop.token(), shop.token(login="opaque"), shop.login()["refresh_token"], SCANNER_KEY)
    theirs = ("Authorization", "Basic eDp5")
    for value in ours:
        for header in (bearer(value), ("Authorization", f"bearer  {value}"), ("Authorization", value)):
            client.get(path, header, ("Cookie", "theirs=1"))
        client.get(path, ("X-API-Key", value), theirs)
        client.get(path, ("X-API-Key", value), FOREIGN)

    assert erp.seen
    assert not [seen for seen in erp.seen if any(value.encode() in seen.head for value in ours)]


def test_a_route_that_is_taken_over_passes_what_is_foreign(shop, client, erp):
    for header in (FOREIGN, ("Authorization", "Basic eDp5"), ("Cookie", "session_id=1"), ("X-API-Key", "theirs")):
        assert client.get("/takeover/x", header).status == 200
        assert header in erp.last.headers
        assert erp.last.all("X-Auth-User") == []
    assert client.get("/takeover/x", shop.bearer()).status == 200
    assert erp.last.one("X-Auth-User") == "ada"


def test_a_dead_token_of_ours_is_not_foreign(shop, client, erp):
    pair = shop.login()
    client.post("/auth/logout", None, bearer(pair["access_token"]))

    assert client.get("/takeover/x", bearer(pair["access_token"])).status == 401
    assert client.get("/takeover/x").status == 401
    assert erp.seen == []


def test_a_foreign_credential_meets_no_requirement_and_borrows_nothing(shop, client, erp):
    assert client.get("/takeover-strict/x", FOREIGN).status == 403
    assert client.get("/takeover-strict/x", ("Cookie", "session_id=1")).status == 403
    assert client.get("/takeover-strict/x", shop.bearer()).status == 200
    assert erp.last.one("X-ERP-Key") == ERP_KEY
    assert len(erp.seen) == 1


@pytest.mark.parametrize(
    "headers",
    [
        (FOREIGN, KEY),
        (KEY_AS_BEARER, KEY),
        (FOREIGN, FOREIGN),
        (KEY, KEY),
        (("authorization", "Basic eDp5"), FOREIGN),
    ],
)
def test_two_credentials_in_one_request_are_refused(client, erp, headers):
    answer = client.get("/mixed/x", *headers)

    assert answer.status == 400
    assert erp.seen == []


def test_a_cookie_is_no_second_credential_and_passes(shop, client, erp):
    assert client.get("/mixed/x", shop.bearer(), ("Cookie", "theirs=1")).status == 200
    assert erp.last.one("Cookie") == "theirs=1"


@pytest.mark.parametrize(
    ("path", "user", "status"),
    [
        ("/sales/x", "ada", 200),
        ("/sales/x", "bob", 403),
        ("/scoped/x", "ada", 200),
        ("/scoped/x", "bob", 403),
        ("/tenant/x", "ada", 200),
        ("/tenant/x", "bob", 403),
    ],
)
def test_requirements_of_a_route(shop, client, erp, path, user, status):
    answer = client.get(path, shop.bearer(user))

    assert answer.status == status
    assert len(erp.seen) == (status == 200)


def test_a_missing_scope_is_named_in_the_challenge(shop, client):
    answer = client.get("/scoped/x", shop.bearer("bob"))

    assert answer.one("WWW-Authenticate") == 'Bearer error="insufficient_scope"'
    assert answer.json["error"] == "insufficient_scope"
    assert client.get("/sales/x", shop.bearer("bob")).json["error"] == "forbidden"
