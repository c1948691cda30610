"""The frame: signing in and out, whose form it is, errors."""

import subprocess
import sys

import pytest
from fakes.admin import TOKEN
from fakes.console import COOKIE

from gateway.errors import StoreUnavailable

PAGES = ["/", "/sessions", "/keys", "/bans", "/routes", "/explain", "/reload"]
ACTIONS = ["/sessions/end", "/keys/make", "/keys/end", "/bans/lift", "/explain", "/reload"]


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_not_signed_in_is_asked_for_the_token(visitor, path):
    page = await visitor.go(path)

    assert page.place == "/sign-in"
    assert page.forms[0].action == "/sign-in"
    assert "orders" not in page.source


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_a_title_a_language_one_heading_and_its_place_in_the_list(operator, path):
    page = await operator.go(path)
    names = [tag for tag, _ in page.tags]

    assert page.status == 200
    assert ("html", {"lang": "en"}) in page.tags
    assert names.count("h1") == names.count("title") == names.count("main") == 1
    assert ("a", {"href": path, "aria-current": "page"}) in page.tags
    assert [link for link in page.links if not link.startswith("#")] == PAGES


@pytest.mark.parametrize("path", PAGES)
async def test_every_field_has_a_label_and_every_table_its_headers(operator, path):
    operator.gateway.workers = 2
    page = await operator.go(path)
    ids = [values["id"] for _, values in page.tags if "id" in values]
    labelled = {values["for"] for tag, values in page.tags if tag == "label"}

    assert len(ids) == len(set(ids))
    for tag, values in page.tags:
        if tag in ("input", "select", "textarea") and "hidden" not in (values.get("type"), *values):
            assert values["id"] in labelled
        if tag == "th":
            assert values["scope"] in ("col", "row")
        for reference in ("aria-describedby", "aria-labelledby"):
            assert values.get(reference, ids[0] if ids else "") in (*ids, "")


async def test_the_cookie_is_kept_from_scripts_and_other_sites_and_opens_the_pages(visitor):
    await visitor.go("/sign-in")
    answer = await visitor.post("/sign-in", [("token", TOKEN)], allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert "; Path=/" in cookie
    assert "Domain" not in cookie
    assert TOKEN not in cookie
    assert (await visitor.go("/")).place == "/"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_behind_a_proxy_with_tls_the_cookie_is_never_sent_without(visitor, scheme):
    headers = {"Origin": f"{scheme}://localhost", "Host": "localhost"}
    answer = await visitor.post("/sign-in", [("token", TOKEN)], allow_redirects=False, headers=headers)

    assert answer.status == 303
    assert ("; Secure" in answer.headers["Set-Cookie"]) == (scheme == "https")


@pytest.mark.parametrize("typed", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\u00e4", "' OR 1=1"])
async def test_another_token_opens_nothing_and_is_not_shown_again(visitor, typed):
    page = await visitor.sign_in(typed)

    assert page.status == 403
    assert "That is not the admin token." in page.text
    assert visitor.cookies() == {}
    assert ("input", "token") not in page.tags
    assert not [values for _, values in page.tags if values.get("value") and values.get("value") == typed]
    assert (await visitor.go("/sessions")).place == "/sign-in"


async def test_white_space_around_a_pasted_token_is_not_meant(visitor):
    assert (await visitor.sign_in(f"  {TOKEN}\n")).place == "/"


async def test_neither_token_nor_cookie_stands_on_a_page_or_in_the_log(operator, caplog):
    caplog.set_level("DEBUG")
    cookie = operator.cookies()[COOKIE].value
    shown = "".join([(await operator.go(path)).source for path in PAGES])

    assert TOKEN not in shown + caplog.text
    assert cookie not in shown + caplog.text


async def test_the_cookie_does_not_open_the_api_and_the_token_opens_no_page(operator, visitor, admin):
    assert (await operator.go("/api/v1/snapshot")).status == 401
    answer = await admin.ask("GET", "/", token=TOKEN)
    assert answer.url.path == "/sign-in"


async def test_signing_out_ends_it_here_and_for_whoever_copied_the_cookie(operator):
    cookie = operator.cookies()[COOKIE].value

    page = await operator.send("/sign-out")

    assert page.place == "/sign-in"
    assert operator.cookies() == {}
    async with operator.session.get(f"{operator.url}/keys", headers={"Cookie": f"{COOKIE}={cookie}"}) as answer:
        assert answer.url.path == "/sign-in"
    assert "not signed in any more" in (await _with(operator, cookie)).text


async def _with(operator, cookie):
    """What somebody is shown who has nothing but this cookie."""
    operator.session.cookie_jar.clear()
    return await operator.go("/sign-in", headers={"Cookie": f"{COOKIE}={cookie}"})


async def test_signing_in_again_ends_the_one_before(operator):
    earlier = operator.cookies()[COOKIE].value

    await operator.post("/sign-in", [("token", TOKEN)])

    assert operator.cookies()[COOKIE].value != earlier
    assert "not signed in any more" in (await _with(operator, earlier)).text


async def test_who_is_signed_in_is_not_asked_again(operator):
    assert (await operator.go("/sign-in")).place == "/"


@pytest.mark.parametrize("action", [*ACTIONS, "/sign-out", "/sign-in"])
@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
async def test_another_sites_form_does_nothing(operator, action, headers):
    await operator.go("/bans")
    token = dict(operator.page.form("/bans/lift").fields)["form_token"]

    page = await operator.post(action, [("form_token", token), ("all", "all"), ("token", TOKEN)], headers=headers)

    assert page.status == 403
    assert operator.gateway.lifted == []
    assert operator.gateway.last_reload is None
    assert (await operator.go("/")).place == "/"


@pytest.mark.parametrize("action", [*ACTIONS, "/sign-out"])
@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_a_form_without_the_token_does_nothing(operator, action, token):
    page = await operator.post(action, [("all", "all")] + ([("form_token", token)] if token is not None else []))

    assert page.status == 403
    assert operator.gateway.lifted == []
    assert operator.gateway.last_reload is None
    assert (await operator.go("/")).place == "/"


@pytest.mark.parametrize("action", ACTIONS)
async def test_who_is_not_signed_in_can_send_nothing(visitor, action):
    page = await visitor.post(action, [("all", "all")])

    assert page.place == "/sign-in"
    assert visitor.gateway.lifted == []
    assert visitor.gateway.last_reload is None


@pytest.mark.parametrize("action", ACTIONS[:4])
async def test_an_action_has_no_address_of_its_own(operator, action):
    page = await operator.go(action)

    assert (page.status, page.headers["Allow"]) == (405, "POST")
    assert "Method Not Allowed" in page.text


async def test_an_unknown_page_is_told_as_a_page(operator, visitor):
    page = await operator.go("/nothing<script>")

    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<script" not in page.source


async def test_a_store_that_is_away_is_told_on_a_page_of_its_own(operator):
    async def fail():
        raise StoreUnavailable("connection refused: redis://user:secret@10.0.0.1")

    operator.gateway.keys = operator.gateway.bans = fail

    for path in ("/keys", "/bans"):
        page = await operator.go(path)
        assert (page.status, page.headers["Retry-After"]) == (503, "1")
        assert "The token store does not answer" in page.text
        assert "secret" not in page.source
    assert (await operator.go("/")).status == 200


async def test_what_breaks_is_logged_and_not_shown(operator, caplog):
    await operator.go("/sessions")

    page = await operator.send("/sessions/end", {"confirmation": "end all sessions"}, which="all")

    assert page.status == 500
    assert "secret detail" not in page.source
    assert "RuntimeError" in caplog.text


async def test_without_an_admin_token_the_console_says_what_to_set(listen, browse):
    admin = await listen(token="")
    browser = browse(f"http://127.0.0.1:{admin.port}")

    for path in ("/", "/sign-in", "/keys"):
        page = await browser.go(path)
        assert page.status == 403
        assert "GATEWAY_ADMIN_TOKEN" in page.text
        assert page.forms == []
    assert (await browser.post("/sign-in", [("token", "")])).status == 403
    assert (await browser.go("/static/console.css")).headers["Content-Type"] == "text/css; charset=utf-8"


async def test_a_name_that_is_not_ours_reaches_no_page(visitor):
    page = await visitor.go("/sign-in", headers={"Host": "evil.example"})

    assert page.status == 421


async def test_programs_get_their_errors_in_json(admin):
    answer = await admin.ask("POST", "/healthz")

    assert (answer.status, answer.content_type) == (405, "application/json")


def test_neither_workers_nor_commands_pay_for_what_they_do_not_show():
    code = (
        "import sys, gateway.app.worker, gateway.cli; sys.exit('jinja2' in sys.modules or 'aiohttp.web' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
