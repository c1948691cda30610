"""A real browser at the console: what an operator does at night, without one complaint of the browser's own."""

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import LOGINS, PASSWORD

CONFIG = """\
server: {{public_url: "http://erp.example", trusted_proxies: [127.0.0.1]}}
store: {{url: embedded://state, timeout: 10s}}
{logins}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /orders/**, upstream: erp, anonymous: ["GET /orders/open/**"]}}
"""
PAGES = ["Overview", "Sessions", "API keys", "Bans", "Routes", "Explain", "Reload"]
HTML = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'


@pytest.fixture(scope="module")
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture(scope="module")
def gateway(erp, tmp_path_factory):
    directory = tmp_path_factory.mktemp("console")
    gateway = GatewayProcess(directory, CONFIG.format(logins=LOGINS, port=erp.port)).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


@pytest.fixture
def complaints():
    """What the browser writes to its console: blocked by the policy, failed to load, broken."""
    return []


@pytest.fixture(params=[(1280, 800), (360, 640)], ids=["desk", "phone"])
def page(request, browser, gateway, complaints):
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()

    def keep(message):
        complaints.append(message.text)

    page.on("console", keep)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{gateway.admin_url}/")
    page.get_by_label("Admin token").fill((gateway.directory / "state" / "admin.token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    yield page
    context.close()
    assert complaints == []


def open_page(page, name):
    with page.expect_navigation():  # until it is loaded: a style sheet that is still on its way has no effect
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == name


def login(client, user="ada", password=PASSWORD, address="192.0.2.1"):
    credentials = {"username": user, "password": password}
    return client.post("/auth/login", credentials, ("X-Forwarded-For", address))


def test_a_session_is_ended_and_its_token_is_refused(page, client):
    token = bearer(login(client).json["access_token"])
    assert client.get("/orders/1", token).status == 200

    open_page(page, "Sessions")
    page.get_by_label("User id").fill("101")
    page.get_by_role("button", name="List").click()
    assert page.get_by_role("table").get_by_role("row").count() == 2
    page.get_by_role("button", name="End session").click()

    assert "The session is ended" in page.get_by_role("status").inner_text()
    assert client.get("/orders/1", token).status == 401


def test_a_key_is_made_used_and_ended(page, client):
    name = f"key-{page.viewport_size['width']}"
    open_page(page, "API keys")
    page.get_by_label("Id", exact=True).fill(name)
    page.get_by_label("User").fill("scanner")
    page.get_by_label("images").check()
    page.get_by_label("Ends").fill("90d")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator(".key code").inner_text()

    assert client.get("/orders/1", ("X-API-Key", key)).status == 200
    page.get_by_role("link", name="I have kept it").click()
    assert key not in page.content()
    page.get_by_role("button", name=f"End key {name}").click()
    assert f"The key {name} is ended" in page.get_by_role("status").inner_text()
    assert client.get("/orders/1", ("X-API-Key", key)).status == 401


def test_a_ban_is_lifted(page, client):
    address = f"192.0.2.{page.viewport_size['width'] % 256}"
    while login(client, "bob", "wrong", address).status == 401:
        pass

    open_page(page, "Bans")
    page.get_by_role("button", name=f"from {address}").click()

    assert "1 lifted." in page.get_by_role("status").inner_text()
    assert login(client, "bob", address=address).status == 200


def test_a_decision_is_explained(page, client):
    token = login(client).json["access_token"]
    open_page(page, "Explain")
    page.get_by_label("Path and query").fill("/orders/7?x=1")
    page.get_by_label("Headers").fill(f"Authorization: Bearer {token}")
    page.get_by_role("button", name="Explain").click()

    assert "forwarded to erp by route images" in page.locator("#decision").inner_text()
    assert token not in page.content()
    assert token not in page.url


def test_the_configuration_is_reloaded(page):
    open_page(page, "Reload")
    page.get_by_role("button", name="Reload the configuration").click()

    assert "nothing is different" in page.get_by_role("status").inner_text()
    page.reload()
    assert page.get_by_role("status").count() == 0


def test_what_users_and_keys_are_called_is_shown_and_never_run(page, client, gateway):
    name = f"html-{page.viewport_size['width']}"
    open_page(page, "API keys")
    page.get_by_label("Id", exact=True).fill(name)
    page.get_by_label("User").fill(HTML)
    page.get_by_label("Roles").fill(HTML)
    page.get_by_role("button", name="Make the key").click()
    assert HTML in page.locator("dd").first.inner_text()
    open_page(page, "API keys")

    assert HTML in page.get_by_role("row", name=name).inner_text()
    assert page.title() == "API keys - gateway console"
    page.get_by_role("button", name=f"End key {name}").click()


def test_every_page_fits_and_can_be_reached_by_keyboard(page):
    for name in PAGES:
        open_page(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_signing_out_closes_every_page(page, gateway):
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{gateway.admin_url}/keys")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
    assert page.context.cookies() == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(page, complaints):
    with page.expect_console_message(lambda _: len(complaints) == 2):  # of the image, and of the script
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')")

    assert page.title() == "Overview - gateway console"
    assert all("Content Security Policy" in complaint for complaint in complaints)
    complaints.clear()
