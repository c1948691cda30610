import pytest
from fakes.wired_gate import Wired

from gateway.errors import Forbidden, Unavailable
from gateway.model import Reply
from gateway.proxy.cors import Cors, endpoint_cors
from gateway.proxy.route import LoginEndpoint

APP = "https://app.example"
LISTED = Cors(origins=[APP, "http://localhost:3000"], credentials=True)
EVERYONE = Cors(origins=["*"])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\nok"


def asks(method, path, *lines, origin=APP):
    said = [f"{method} {path} HTTP/1.1", "Host: h", *([f"Origin: {origin}"] if origin else []), *lines]
    return ("\r\n".join(said) + "\r\n\r\n").encode()


def preflight(path="/orders/x", method="PUT", *lines, origin=APP):
    return asks("OPTIONS", path, f"Access-Control-Request-Method: {method}", *lines, origin=origin)


def read(answer):
    """The status, and the headers as a list of pairs."""
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(first.split()[1]), [tuple(line.split(": ", 1)) for line in lines]


def of_cors(answer):
    return {(name, value) for name, value in read(answer)[1] if name.lower().startswith(("access-control-", "vary"))}


GRANTED = {
    ("Access-Control-Allow-Origin", APP),
    ("Access-Control-Allow-Credentials", "true"),
    ("Vary", "Origin"),
}
EXPOSED = ("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate")


@pytest.fixture
def wired():
    routes = [
        {"path": "/orders/**", "methods": frozenset({"GET", "PUT"}), "cors": LISTED},
        {"path": "/all/**", "cors": EVERYONE},
        {"path": "/plain/**", "anonymous": ["/plain/**"]},
    ]
    return Wired(routes, has_cors=True)


def told(wired, request):
    client = wired.client()
    client.says(request)
    return client.hears()


# -- preflights ---------------------------------------------------------------------------------------------------


def test_a_preflight_is_answered_without_a_credential_and_without_the_erp(wired):
    answer = told(wired, preflight("/orders/x", "PUT", "Access-Control-Request-Headers: authorization,x-zone"))

    assert read(answer)[0] == 204
    assert of_cors(answer) == GRANTED | {
        ("Access-Control-Allow-Methods", "PUT"),
        ("Access-Control-Allow-Headers", "authorization,x-zone"),
        ("Access-Control-Max-Age", "600"),
    }
    assert wired.erp.take() == b""
    assert wired.metrics.requests == {("route-0", "OPTIONS", 204): 1}


def test_a_preflight_of_another_origin_is_refused_and_learns_nothing(wired):
    answer = told(wired, preflight(origin="https://evil.example"))

    assert read(answer)[0] == 403
    assert of_cors(answer) == {("Vary", "Origin")}
    assert b"evil" not in answer


@pytest.mark.parametrize(
    "origin", ["https://app.example.evil", "https://APP.example", "https://app.example:443", "null"]
)
def test_an_origin_is_listed_to_the_letter(wired, origin):
    assert read(told(wired, preflight(origin=origin)))[0] == 403


def test_everyone_is_told_so_alike(wired):
    answer = told(wired, preflight("/all/x", "DELETE", origin="https://whoever.example"))

    assert read(answer)[0] == 204
    assert of_cors(answer) == {
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", "DELETE"),
        ("Access-Control-Max-Age", "600"),
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asks("OPTIONS", "/orders/x"), 404),  # no route takes OPTIONS here
        (asks("OPTIONS", "/all/x"), 401),
        (preflight("/all/x", origin=None), 401),
        (preflight("/all/x", "TRACE"), 401),
        (preflight("/all/x", "A,B"), 401),
        (preflight("/all/x", ""), 401),
        (preflight("/orders/x", "DELETE"), 404),  # nor DELETE
        (preflight("/nowhere", "GET"), 404),
        (preflight("/orders/../x", "GET"), 400),
    ],
)
def test_what_is_no_preflight_of_such_a_route_goes_on_as_any_request(wired, request_, status):
    assert read(told(wired, request_))[0] == status


def test_a_preflight_for_a_route_without_cors_goes_to_the_erp(wired):
    assert told(wired, preflight("/plain/x", "PUT")) == b""
    assert wired.erp.take().startswith(b"OPTIONS /plain/x HTTP/1.1\r\n")


def test_an_options_request_before_it_does_not_decide_for_a_preflight(wired):
    client = wired.client()
    client.says(asks("OPTIONS", "/all/x"))
    assert read(client.hears())[0] == 401

    client.says(preflight("/all/x", "GET"))

    assert read(client.hears())[0] == 204


def test_written_methods_and_headers_are_told_whatever_is_asked():
    cors = Cors(origins=[APP], methods=["GET", "PUT"], headers=["X-Zone", "Authorization"], max_age=5.0)

    assert cors.preflight(APP.encode(), b"DELETE", b"x-other") == Reply(
        204,
        headers=(
            (b"Access-Control-Allow-Methods", b"GET, PUT"),
            (b"Access-Control-Max-Age", b"5"),
            (b"Access-Control-Allow-Headers", b"X-Zone, Authorization"),
        ),
    )


def test_a_granted_preflight_has_the_status_that_the_erp_gives_it():
    assert Cors(origins=[APP], preflight_status=200).preflight(APP.encode(), b"GET", b"").status == 200


@pytest.mark.parametrize("names", [b"a b", b"a,,b", b"a;b", b"\xff", b","])
def test_what_is_no_list_of_header_names_is_not_repeated(names):
    told = dict(LISTED.preflight(APP.encode(), b"GET", names).headers)

    assert b"Access-Control-Allow-Headers" not in told


def test_without_any_origin_nobody_is_let_in():
    with pytest.raises(Forbidden):
        Cors().preflight(APP.encode(), b"GET", b"")


def test_only_listed_origins_may_use_a_cookie_and_only_with_credentials():
    assert LISTED.cookie_origins == {APP.encode(), b"http://localhost:3000"}
    assert Cors(origins=[APP]).cookie_origins == EVERYONE.cookie_origins == frozenset()


# -- answers ------------------------------------------------------------------------------------------------------

WARM = "Authorization: Bearer warm"


def forwarded(wired, request, answer_headers=b""):
    client = wired.client()
    client.says(request)
    wired.idle[0].data_received(ANSWER % answer_headers)
    return client.hears()


def test_an_answer_names_the_listed_origin_and_replaces_what_the_erp_says(wired):
    own = b"access-control-allow-origin: *\r\nAccess-Control-Allow-Methods: PUT\r\nVary: Accept\r\n"

    answer = forwarded(wired, asks("GET", "/orders/x", WARM), own)

    assert of_cors(answer) == GRANTED | {("Vary", "Accept")}
    assert len([name for name, _ in read(answer)[1] if name.lower() == "access-control-allow-origin"]) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", None])
def test_an_answer_to_others_says_nothing_of_cors(wired, origin):
    own = b"Access-Control-Allow-Origin: https://evil.example\r\nAccess-Control-Expose-Headers: X-Total\r\n"

    assert of_cors(forwarded(wired, asks("GET", "/orders/x", WARM, origin=origin), own)) == {("Vary", "Origin")}


def test_headers_that_the_erp_exposes_stay_exposed(wired):
    answer = forwarded(wired, asks("GET", "/orders/x", WARM), b"Access-Control-Expose-Headers: X-Total\r\n")

    assert ("Access-Control-Expose-Headers", "X-Total") in of_cors(answer)


def test_no_remembered_head_carries_one_origin_to_another(wired):
    client = wired.client()
    seen = []
    for path, origin in [("/orders", APP), ("/plain", APP), ("/plain", None), ("/orders", "http://localhost:3000")] * 3:
        client.says(asks("GET", f"{path}/x", WARM, origin=origin))
        wired.idle[0].data_received(ANSWER % b"")
        seen.append(dict(read(client.hears())[1]).get("Access-Control-Allow-Origin"))

    assert seen == [APP, None, None, "http://localhost:3000"] * 3


def test_without_cors_what_the_erp_says_passes(wired):
    own = b"Access-Control-Allow-Origin: https://erp.example\r\n"

    assert of_cors(forwarded(wired, asks("GET", "/plain/x"), own)) == {
        ("Access-Control-Allow-Origin", "https://erp.example")
    }


def test_refusals_can_be_read_by_the_page(wired):
    answer = told(wired, asks("GET", "/orders/x"))

    assert read(answer)[0] == 401
    assert of_cors(answer) == GRANTED | {EXPOSED}


async def test_an_upstream_that_is_down_can_be_told_from_a_broken_page():
    wired = Wired([{"cors": LISTED}], idle=0, has_cors=True)
    wired.server.refuses = Unavailable("down")
    client = wired.client()
    client.says(asks("GET", "/orders/x", WARM))
    await client.connection._serving.task

    answer = client.hears()

    assert read(answer)[0] == 503
    assert of_cors(answer) == GRANTED | {EXPOSED}


# -- logins -------------------------------------------------------------------------------------------------------


async def login(_call):
    return Reply(200, b"in")


def with_login(cors, refuse=None):
    wired = Wired([{"path": "/**"}], endpoints={b"/auth/login": [(None, {"POST": login})]}, has_cors=True)
    owner = wired.rules.endpoint_owner[login]
    wired.rules.endpoint_owner[login] = LoginEndpoint(login, owner.login, refuse or owner.refuse, cors)
    return wired


def test_a_preflight_of_a_login_is_answered():
    wired = with_login(LISTED)

    answer = told(wired, preflight("/auth/login", "POST", "Access-Control-Request-Headers: content-type"))

    assert read(answer)[0] == 204
    assert ("Access-Control-Allow-Headers", "content-type") in of_cors(answer)
    assert wired.metrics.requests == {("native", "OPTIONS", 204): 1}
    assert read(told(wired, preflight("/auth/login", "POST", origin="https://evil.example")))[0] == 403


def test_a_preflight_is_refused_as_a_403_whatever_the_dialect_of_the_login_makes_of_one():
    wired = with_login(LISTED, lambda _error, _request_id: Reply(401))

    assert read(told(wired, preflight("/auth/login", "POST", origin="https://evil.example")))[0] == 403


async def test_answers_and_refusals_of_a_login_can_be_read():
    wired = with_login(LISTED)
    client = wired.client()
    client.says(asks("POST", "/auth/login", "Content-Length: 0"))
    await client.connection._serving.task
    assert of_cors(client.hears()) == GRANTED | {EXPOSED}

    client.says(asks("GET", "/auth/login"))

    refused = client.hears()
    assert read(refused)[0] == 405
    assert of_cors(refused) == GRANTED | {EXPOSED}


def test_a_preflight_of_a_login_without_cors_is_405():
    answer = told(with_login(None), preflight("/auth/login", "POST"))

    assert read(answer)[0] == 405
    assert of_cors(answer) == set()


def test_a_login_of_another_host_does_not_lend_its_rules():
    wired = with_login(LISTED)

    assert endpoint_cors(wired.rules, [(frozenset({b"a"}), {"POST": login})], b"a:80") is LISTED
    assert endpoint_cors(wired.rules, [(frozenset({b"a"}), {"POST": login})], b"b") is None
