"""What the ERP receives and the client gets back, byte for byte where it matters."""

import json
import re

import jwt
import pytest
from fakes.erp import answer
from fakes.log_lines import line_with
from fakes.plain_client import bearer, request
from fakes.small_shop import ERP_KEY


def test_an_unremarkable_request_arrives_as_it_was_sent_with_our_headers_last(shop, client, erp):
    sent = [("X-Own", "1"), ("Accept", "*/*"), ("X-Own", "2"), ("Content-Type", "text/plain")]

    client.ask("POST", "/mixed/a%20b?c=%zz&d=+", [*sent, shop.bearer()], b"body")

    ours = [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Request-Id",
        *(f"X-Auth-{name}" for name in ("User", "User-Id", "Roles", "Scopes", "Tenant", "Login", "Method")),
        "Content-Length",
    ]
    assert erp.last.line == "POST /mixed/a%20b?c=%zz&d=+ HTTP/1.1"
    assert erp.last.headers[: 1 + len(sent)] == [("Host", "erp.example"), *sent]
    assert [name for name, _ in erp.last.headers[1 + len(sent) :]] == ours
    assert erp.last.body == b"body"


def test_the_answer_comes_back_as_the_erp_gave_it(shop, client, erp):
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Own", "x"), ("ETag", '"1"')]
    erp.answers["/mixed/x"] = answer(418, b"\x00\xff", headers)

    found = client.get("/mixed/x", shop.bearer())

    assert (found.status, found.body) == (418, b"\x00\xff")
    assert set(headers) <= set(found.headers)


def test_identity_headers_that_the_erp_echoes_stay_inside(shop, client, erp):
    erp.answers["/asserted/x"] = lambda seen: answer(headers=[*seen.headers, ("x_auth_user", "ada")])

    found = client.get("/asserted/x", shop.bearer())

    assert not [name for name, _ in found.headers if name.lower().replace("_", "-").startswith(("x-auth", "x-gateway"))]


def test_a_fixed_header_goes_with_identified_callers_only(shop, client, erp):
    client.get("/keyed/open", ("X-ERP-Key", "guessed"), ("X.ERP.Key", "guessed"), ("X_ERP_KEY", "guessed"))
    assert "guessed" not in erp.last.head.decode()
    assert ERP_KEY not in erp.last.head.decode()

    client.get("/keyed/open", shop.bearer(), ("x-erp-key", "guessed"))
    assert erp.last.all("X-ERP-Key") == [ERP_KEY]


def test_a_header_of_another_upstreams_injector_is_only_a_header_here(shop, client, erp):
    client.get("/mixed/x", shop.bearer(), ("X-ERP-Key", "something"))

    assert erp.last.one("X-ERP-Key") == "something"


def test_basic_and_bearer_of_the_erp_replace_the_clients(shop, client, erp):
    client.get("/basic/x", shop.bearer())
    assert erp.last.one("Authorization") == "Basic Z2F0ZXdheTpodXNo"

    client.get("/token/x", shop.bearer())
    assert erp.last.one("Authorization") == "Bearer erp-token"
    client.get("/token/open")
    assert erp.last.all("Authorization") == []


def test_an_assertion_verifies_by_the_published_keys_and_is_no_credential(shop, client, erp):
    client.get("/asserted/x", shop.bearer())
    assertion = erp.last.one("X-Gateway-Assertion")
    keys = {key["kid"]: key for key in client.get("/.well-known/jwks.json").json["keys"]}
    header = jwt.get_unverified_header(assertion)

    claims = jwt.decode(
        assertion,
        jwt.PyJWK(keys[header["kid"]]),
        algorithms=[header["alg"]],
        audience="odoo",
        issuer="http://erp.example",
        options={"require": ["exp", "iat", "jti", "sub"]},
    )

    assert claims["sub"] == "101"
    assert claims["name"] == "ada"
    assert claims["roles"] == ["big, boss", "sales"]
    assert claims["tenant"] == "GardenWorld"
    assert claims["exp"] - claims["iat"] == 60
    assert header["alg"] in {"ES256", "EdDSA", "RS256"}
    assert all("d" not in key and key["kty"] != "oct" for key in keys.values())
    for path in ("/asserted/x", "/mixed/x"):
        assert client.get(path, bearer(assertion)).status == 401
    assert client.get(f"/images/x?access_token={assertion}").status == 401
    assert client.get("/auth/me", bearer(assertion)).status == 401


def test_each_caller_gets_an_assertion_of_its_own(shop, client, erp):
    subjects = []
    for user in ("ada", "bob", "ada"):
        client.get("/asserted/x", shop.bearer(user))
        subjects.append(jwt.decode(erp.last.one("X-Gateway-Assertion"), options={"verify_signature": False})["sub"])

    assert subjects == ["101", "102", "101"]


def test_a_stripped_prefix_is_gone_and_comes_back_in_redirects(client, erp):
    for location, seen in (
        ("/web/login", "/erp/web/login"),
        (f"http://127.0.0.1:{erp.port}/web?a=1", "http://erp.example/erp/web?a=1"),
        (f"http://127.0.0.1:{erp.port}", "http://erp.example/erp/"),
        ("http://erp.example/web", "http://erp.example/erp/web"),
        ("https://erp.example/web", "https://erp.example/web"),
        ("https://elsewhere.example/web", "https://elsewhere.example/web"),
        (f"http://127.0.0.1:{erp.port}0/web", f"http://127.0.0.1:{erp.port}0/web"),
        ("//elsewhere.example/web", "//elsewhere.example/web"),
        ("next", "next"),
    ):
        erp.answers["/orders/1"] = answer(302, b"", [("Location", location)])

        assert client.get("/erp/orders/1?x").one("Location") == seen
        assert erp.last.target == "/orders/1?x"


@pytest.mark.parametrize(("raw", "sent"), [("/erp", "/"), ("/erp/", "/"), ("/erp/%61b", "/ab"), ("/%65rp/a", "/a")])
def test_what_is_judged_is_what_is_left(client, erp, raw, sent):
    assert client.get(raw).status == 200
    assert erp.last.target == sent


@pytest.mark.parametrize("raw", ["/erp//x", "/erp/../x", "/erp/%2Fx", "/erp%2Fx", "/erp/..;/x"])
def test_what_is_ambiguous_is_refused(client, erp, raw):
    assert client.get(raw).status == 400
    assert erp.seen == []


def test_headers_of_the_route_replace_what_came(shop, client, erp):
    erp.answers["/headers/x"] = answer(headers=[("Server", "odoo"), ("x-frame-options", "ALLOWALL")])
    sent = [("x-zone", "outer"), ("X.Zone", "outer"), ("X_ZONE", "outer"), ("X-Debug", "1"), ("API_KEY", "kept")]

    found = client.get("/headers/x", shop.bearer(), *sent, ("Cookie", "c=1"), ("Referer", "http://r/"))

    assert erp.last.one("X-Zone") == "inner"
    assert "outer" not in erp.last.head.decode()
    for name in ("X-Debug", "Cookie", "Referer"):
        assert erp.last.all(name) == []
    assert erp.last.one("API_KEY") == "kept"
    assert found.all("X-Frame-Options") == ["DENY"]
    assert found.all("Server") == []


def test_the_host_is_the_clients_or_the_erps_own(client, erp):
    client.get("/mixed/open/x", host="shop.example:8080")
    assert erp.last.one("Host") == "shop.example:8080"
    client.get("/own-host/x", host="shop.example:8080")
    assert erp.last.one("Host") == f"127.0.0.1:{erp.port}"
    assert erp.last.one("X-Forwarded-Host") == "shop.example:8080"


@pytest.mark.parametrize("sent", ["abc", "A-1._z", "x" * 64])
def test_a_well_formed_request_id_goes_all_the_way(client, erp, sent):
    client.get("/mixed/open/x", ("X-Request-Id", sent))

    assert erp.last.all("X-Request-Id") == [sent]
    assert client.get("/nowhere", ("X-Request-Id", sent)).json["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", 'a"b', "ä"])
def test_any_other_request_id_is_replaced(client, erp, sent):
    client.get("/mixed/open/x", ("X-Request-Id", sent))

    assert re.fullmatch("[0-9a-f]{16}-[0-9a-f]+", erp.last.one("X-Request-Id"))


def test_ids_are_unique_also_on_one_connection_with_the_same_request(client, erp):
    with client.connect() as conversation:
        for _ in range(5):
            assert conversation.ask("GET", "/mixed/open/x", [("Accept", "*/*")]).status == 200

    assert len({seen.one("X-Request-Id") for seen in erp.seen}) == 5


def test_a_body_over_the_routes_limit_is_refused_before_the_erp_has_it(shop, client, erp):
    assert client.ask("POST", "/small/x", [shop.bearer()], b"x" * 1024).status == 200
    assert client.ask("POST", "/small/x", [shop.bearer()], b"x" * 1025).status == 413
    assert len(erp.seen) == 1

    head = f"POST /small/x HTTP/1.1\r\nHost: h\r\n{': '.join(shop.bearer())}\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = client.send(head.encode() + b"401\r\n" + b"x" * 1025 + b"\r\n0\r\n\r\n")
    assert found.status == 413
    assert found.one("Connection") == "close"


def test_nothing_listens_there(client):
    found = client.get("/closed/x")

    assert found.status == 502
    assert found.json["error"] == "bad_gateway"


def test_an_erp_that_hangs_up_is_a_502_and_a_post_is_never_sent_twice(shop, client, erp):
    erp.answers["/mixed/x"] = lambda _: None

    assert client.post("/mixed/x", {}, shop.bearer()).status == 502
    assert len(erp.seen) == 1


def test_a_stale_connection_is_retried_with_the_very_same_request(shop, client, erp):
    """The ERP closes an idle connection just as it is used again."""
    headers = [shop.bearer(), ("Cookie", "a=1"), ("Referer", "http://erp.example/r"), ("API_KEY", "k"), ("X-Zone", "o")]

    def once_then_hang_up(seen):
        heard = [other for other in erp.seen if other.connection == seen.connection]
        return answer() if len(heard) == 1 else None

    erp.answers["/headers/x"] = erp.answers["/token/x"] = once_then_hang_up
    for path in ("/headers/x", "/token/x"):
        with client.connect() as conversation:
            for _ in range(2):
                assert conversation.ask("GET", path, headers).status == 200

        *_, refused, retried = erp.seen
        assert refused.head == retried.head
        assert refused.connection != retried.connection
        for name in ("Cookie", "Referer", "API_KEY", "X-Zone"):
            assert len(retried.all(name)) <= 1


def test_what_no_route_names_is_not_there(shop, client, erp):
    assert client.get("/nowhere", shop.bearer()).status == 404
    assert client.ask("TRACE", "/mixed/x").status == 405
    assert client.ask("GET", "/auth/login").status == 405
    assert client.ask("GET", "/auth/login").one("Allow") == "POST"
    assert erp.seen == []


def test_a_host_that_http_1_0_may_leave_out_is_needed_in_http_1_1(client):
    old = b"GET /mixed/open/x HTTP/1.0\r\n\r\n"
    new = b"GET /mixed/open/x HTTP/1.1\r\n\r\n"

    assert client.send(old).status == 200
    assert client.send(new).status == 400
    assert client.send(old).status == 200


def test_a_redirect_is_not_followed_and_a_body_is_not_read(client, erp):
    erp.answers["/mixed/open/x"] = answer(304, b"", [("ETag", '"1"')])

    found = client.get("/mixed/open/x", ("If-None-Match", '"1"'))

    assert found.status == 304
    assert found.one("ETag") == '"1"'


def test_the_access_log_tells_the_exchange(shop, client):
    client.get("/mixed/logged?secret=1", shop.bearer(), ("X-Request-Id", "logged-1"))
    client.get("/mixed/logged", ("X-Request-Id", "logged-2"))
    first, second = (json.loads(line_with(shop.directory / "access.log", name)) for name in ("logged-1", "logged-2"))

    assert {name: first[name] for name in ("client", "method", "path", "route", "status", "upstream")} == {
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/mixed/logged",
        "route": "mixed",
        "status": 200,
        "upstream": "erp",
    }
    assert (first["user"], first["auth_method"], first["login"]) == ("ada", "bearer", "native")
    assert (second["status"], second["upstream"], second["user"]) == (401, "", "")


def test_many_requests_at_once_on_one_connection_are_answered_in_order(client):
    with client.connect() as conversation:
        conversation.send(b"".join(request("GET", f"/mixed/open/{number}") for number in range(30)))

        assert [conversation.receive().json["line"] for _ in range(30)] == [
            f"GET /mixed/open/{number} HTTP/1.1" for number in range(30)
        ]
