import pytest


@pytest.mark.parametrize(
    ("address", "hosts", "host"),
    [
        ("127.0.0.1:8081", [], "127.0.0.1:8081"),
        ("127.0.0.1:8081", [], "127.0.0.1"),
        ("127.0.0.1:8081", [], "localhost:9999"),
        ("127.0.0.1:8081", [], "LocalHost"),
        ("[::1]:8081", [], "[::1]:8081"),
        ("10.0.0.5:8081", ["admin.example.com"], "Admin.Example.com:8081"),
        ("0.0.0.0:8081", [], "10.244.0.7:8081"),
        ("[::]:8081", [], "[fd00::7]:8081"),
    ],
)
async def test_a_host_that_the_settings_name_is_answered(listen, address, hosts, host):
    admin = await listen(address, hosts)

    assert (await admin.ask("GET", "/healthz", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1:8081", "evil.example:8081"),
        ("127.0.0.1:8081", "localhost.evil.example"),
        ("127.0.0.1:8081", "127.0.0.1.evil.example"),
        ("127.0.0.1:8081", "10.0.0.5:8081"),
        ("127.0.0.1:8081", "evil@localhost"),
        ("127.0.0.1:8081", "localhost:8081:8081"),
        ("127.0.0.1:8081", ""),
        ("0.0.0.0:8081", "evil.example:8081"),
    ],
)
async def test_a_page_of_another_site_cannot_reach_the_listener_under_its_name(listen, address, host):
    """DNS rebinding: the browser keeps the attacker's name in Host."""
    admin = await listen(address)
    for path in ("/healthz", "/metrics", "/api/v1/snapshot", "/"):
        answer = await admin.ask("GET", path, headers={"Host": host})

        assert answer.status == 421
        assert (await answer.json())["error"] == "misdirected_request"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "Bearer {token} ", "{token}"]
)
async def test_the_api_needs_the_token_exactly(admin, authorization):
    headers = {"Authorization": authorization.format(token="0123456789abcdef0123456789abcdef")}
    answer = await admin.ask("GET", "/api/v1/snapshot", token="", headers=headers if authorization else {})

    if authorization == "Bearer {token} ":  # HTTP strips white space around a value (RFC 9110, section 5.5)
        assert answer.status == 200
    else:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="admin"'


async def test_wrong_tokens_are_told_once_a_second_and_never_shown(admin, caplog):
    admin.gateway.time = 10.0
    for token in ("guess-1", "guess-2", "guess-3"):
        await admin.ask("GET", "/api/v1/snapshot", token=token)
    await admin.ask("GET", "/api/v1/snapshot", token="")
    await admin.ask("GET", "/api/v1/snapshot")
    assert caplog.messages == ["a wrong admin token from 127.0.0.1"]

    admin.gateway.time = 11.0
    form = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    await admin.ask("POST", "/sign-in", token="", headers=form, data="token=guess-4")
    assert caplog.messages[1:] == ["a wrong admin token from 127.0.0.1; 2 more were not told"]


async def test_an_unknown_api_address_does_not_show_without_the_token(admin):
    assert (await admin.ask("GET", "/api/v1/nothing", token="")).status == 401
    assert (await admin.ask("GET", "/api/v1/nothing")).status == 404


async def test_without_a_token_in_the_settings_the_api_is_off_and_probes_work(listen):
    admin = await listen(token="")

    answer = await admin.ask("GET", "/api/v1/snapshot", token="anything")
    assert answer.status == 403
    assert (await answer.json())["error"] == "admin_api_off"
    assert (await admin.ask("GET", "/healthz")).status == 200


async def test_a_failure_is_told_without_its_details(admin, caplog):
    answer = await admin.ask("POST", "/api/v1/sessions/revoke", json={"all": True})

    assert answer.status == 500
    assert "secret detail" not in await answer.text()
    assert "RuntimeError" in caplog.text


async def test_a_wrong_method_is_told_which_ones_there_are(admin):
    answer = await admin.ask("GET", "/api/v1/reload")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert (await answer.json())["error"] == "method_not_allowed"
