"""`?access_token=` in queries, forms and Referers: what counts, what is cut, and that it is written nowhere."""

from urllib.parse import quote

import pytest
from fakes.erp import answer
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import SCANNER_KEY
from fakes.waiting import eventually

FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture
def token(shop):
    return shop.token()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_token_in_the_query_opens_an_image_and_is_cut_out(client, erp, token, method):
    found = client.ask(method, f"/images/1.png?a=1&access_token={token}&b=%20x+y")

    assert found.status == 200
    assert erp.last.target == "/images/1.png?a=1&b=%20x+y"
    assert erp.last.one("X-Auth-Method") == "access_token"
    assert erp.last.one("X-Auth-User") == "ada"


def test_an_opaque_token_does_too(shop, client, erp):
    client.get(f"/images/1.png?access_token={shop.token(login='opaque')}")

    assert erp.last.target == "/images/1.png"


@pytest.mark.parametrize("name", ["%61ccess_token", "access%5Ftoken", "%61%63%63%65%73%73%5f%74%6f%6b%65%6e"])
def test_an_encoded_name_is_the_same_parameter(client, erp, token, name):
    assert client.get(f"/images/1.png?{name}={token}&x").status == 200
    assert erp.last.target == "/images/1.png?x"


def test_an_encoded_value_is_the_same_token(client, erp, token):
    assert (
        client.get(f"/images/1.png?access_token={quote(token).replace('-', '%2D').replace('_', '%5f')}").status == 200
    )
    assert erp.last.target == "/images/1.png"


@pytest.mark.parametrize("query", ["access_token={t}&access_token={t}", "access_token={t}&%61ccess_token=x"])
def test_two_of_them_are_refused(client, erp, token, query):
    assert client.get("/images/1.png?" + query.format(t=token)).status == 400
    assert erp.seen == []


@pytest.mark.parametrize("header", [("X-API-Key", SCANNER_KEY), None], ids=["key", "bearer"])
def test_a_second_credential_beside_it_is_refused(client, token, header):
    assert client.get(f"/images/1.png?access_token={token}", header or bearer(token)).status == 400


@pytest.mark.parametrize("value", ["somebody-elses", "", "gwa_" + "A" * 44])
def test_a_bad_one_is_refused_on_an_anonymous_path_too(client, erp, value):
    assert client.get(f"/images/1.png?access_token={value}").status == 401
    assert client.get(f"/images/open/1.png?access_token={value}").status == 401
    assert erp.seen == []


def test_an_api_key_is_no_url_token(client, erp):
    assert client.get(f"/images/1.png?access_token={SCANNER_KEY}").status == 401
    assert client.get(f"/public/x?access_token={SCANNER_KEY}").status == 200
    assert erp.last.target == "/public/x"


def test_a_refresh_token_is_none(shop, client):
    assert client.get(f"/images/1.png?access_token={shop.login()['refresh_token']}").status == 401


def test_other_methods_ignore_it_and_cut_it_out(client, erp, token):
    assert client.post(f"/images/1.png?access_token={token}").status == 401
    assert client.post(f"/images/open/1.png?access_token={token}&x=1").status == 200
    assert erp.last.target == "/images/open/1.png?x=1"
    assert erp.last.all("X-Auth-User") == []


def test_a_route_that_does_not_list_it_ignores_it_and_cuts_it_out(shop, client, erp, token):
    assert client.get(f"/mixed/x?access_token={token}").status == 401
    assert client.get(f"/mixed/open/x?access_token={token}&access_token={token}").status == 200
    assert erp.last.target == "/mixed/open/x"
    assert client.get(f"/mixed/x?access_token={token}&b=2", shop.bearer("bob")).status == 200
    assert erp.last.target == "/mixed/x?b=2"
    assert erp.last.one("X-Auth-User") == "bob"
    assert client.get("/mixed/open/x?access_token=the-erps-own").status == 200
    assert erp.last.target == "/mixed/open/x?access_token=the-erps-own"


def test_a_public_route_cuts_ours_out_and_judges_nothing(client, erp, token):
    assert client.get(f"/public/x?access_token={token}&access_token=theirs").status == 200
    assert erp.last.target == "/public/x?access_token=theirs"


def test_a_foreign_one_passes_where_the_erp_has_its_own(shop, client, erp, token):
    assert client.get("/portal/x?access_token=the-erps-own").status == 200
    assert erp.last.target == "/portal/x?access_token=the-erps-own"
    assert erp.last.all("X-Auth-User") == []
    assert client.get("/portal/x?access_token=the-erps-own", shop.bearer()).status == 200
    assert erp.last.one("X-Auth-User") == "ada"
    assert client.get(f"/portal/x?access_token={token}").status == 200
    assert erp.last.target == "/portal/x"
    assert client.get("/portal/x?access_token=a&access_token=b").status == 400


def test_it_is_cut_out_of_the_referer_on_every_route(shop, client, erp, token):
    for referer, left in (
        (f"https://erp.example/p?access_token={token}", "https://erp.example/p"),
        (f"https://erp.example/p?a=1&%61ccess_token={token}&b=2#frag", "https://erp.example/p?a=1&b=2#frag"),
        (f"https://erp.example/p#access_token={token}", "https://erp.example/p"),
        ("https://erp.example/p?access_token=theirs", "https://erp.example/p?access_token=theirs"),
    ):
        for path in ("/mixed/open/x", "/public/x", "/portal/x"):
            client.get(path, ("Referer", referer))

            assert erp.last.one("Referer") == left


def test_a_form_is_searched_where_the_route_says_so(client, erp, token):
    found = client.ask("POST", "/forms/x", [FORM], f"a=%c3%a9+1&access_token={token}&&b=2".encode())

    assert found.status == 200
    assert erp.last.body == b"a=%c3%a9+1&&b=2"
    assert erp.last.one("Content-Length") == str(len(erp.last.body))
    assert erp.last.one("X-Auth-Method") == "access_token"
    assert found.one("Referrer-Policy") == "no-referrer"


def test_a_form_without_one_is_forwarded_as_it_came(client, erp, token):
    body = b"a=1&b=%zz&access=token"

    assert client.ask("POST", f"/forms/x?access_token={token}", [FORM], body).status == 200
    assert erp.last.body == body


def test_one_in_the_query_and_one_in_the_form_are_two(client, erp, token):
    body = f"access_token={token}".encode()

    assert client.ask("POST", f"/forms/x?access_token={token}", [FORM], body).status == 400
    assert client.ask("POST", "/forms/x", [FORM], body + b"&" + body).status == 400
    assert erp.seen == []


def test_a_chunked_form_is_searched_too(client, erp, token):
    head = f"POST /forms/x HTTP/1.1\r\nHost: h\r\n{FORM[0]}: {FORM[1]}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    body = f"a=1&access_token={token}".encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:9], body[9:])) + b"0\r\n\r\n"

    assert client.send(head + chunks).status == 200
    assert erp.last.body == b"a=1"
    assert erp.last.all("Transfer-Encoding") == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("public, max-age=60, s-maxage=3600", "private, max-age=60"),
        ("no-store", "private, no-store"),
        ("PRIVATE, Immutable", "private, Immutable"),
        (None, "private"),
    ],
)
def test_no_shared_cache_keeps_the_answer(client, erp, token, said, told):
    headers = [("Cache-Control", said), ("CDN-Cache-Control", "max-age=9"), ("Surrogate-Control", "max-age=9")]
    erp.answers["/images/1.png"] = answer(headers=headers if said else [("Referrer-Policy", "unsafe-url")])

    found = client.get(f"/images/1.png?access_token={token}")

    assert found.one("Cache-Control") == told
    assert found.one("Referrer-Policy") == "no-referrer"
    assert found.all("CDN-Cache-Control") == found.all("Surrogate-Control") == []


def test_other_answers_keep_their_caching(shop, client, erp):
    erp.answers["/images/1.png"] = answer(headers=[("Cache-Control", "public, s-maxage=1")])

    found = client.get("/images/1.png", shop.bearer())

    assert found.one("Cache-Control") == "public, s-maxage=1"
    assert found.all("Referrer-Policy") == []


async def test_no_word_of_a_token_is_written_anywhere(shop, client, erp):
    """RFC 6750, section 5.3: the query ends up in logs, metrics and Referers of those who are careless."""
    pair = shop.login()
    token, refresh = pair["access_token"], pair["refresh_token"]
    referer = ("Referer", f"http://erp.example/?access_token={token}")
    for path in ("/images/1.png", "/images/open/x", "/mixed/x", "/nowhere/x", "/images/%zz", "/images/1.png#", "//"):
        client.get(f"{path}?access_token={token}", referer)
        client.get(f"{path}?a=1&%61ccess_token={token}", referer, bearer(token))
        client.ask("POST", f"{path}?access_token={token}", [referer, FORM], b"a=1")
    client.ask("POST", "/forms/x", [referer, FORM], f"access_token={token}".encode())
    client.get(f"/closed/x?access_token={token}")
    client.get(f"/auth/me?access_token={token}", bearer(token))
    client.send(f"GET /images/?access_token={token} HTTP/1.1\r\nBroken\r\n\r\n".encode())
    client.post("/auth/refresh", {"refresh_token": refresh})
    client.post("/auth/refresh", {"refresh_token": token})
    client.get(f"/images/1.png?access_token={token}&access_token={refresh}")
    counted = PlainClient(shop.gateway.admin_port, host="localhost").get("/metrics").body.decode()
    client.get("/mixed/open/last", ("X-Request-Id", "the-last-line"))
    await eventually(lambda: "the-last-line" in shop.written())

    for secret in (token, refresh, token.split(".")[2], "access_token="):
        assert secret not in shop.written()
        assert secret not in counted
        assert not [seen for seen in erp.seen if secret.encode() in seen.head + seen.body]
    assert "/images/1.png" in shop.written()
