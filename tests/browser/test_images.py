"""A real browser shows pictures by URL token, and the token stays between the browser and the gateway."""

import struct
import zlib
from pathlib import Path

import pytest
import requests
from fakes.demo_upstream import DemoUpstream
from fakes.gateway_process import GatewayProcess
from fakes.relay import Relay

from gateway.demo.guide import DEMO_PASSWORD, DEMO_USER
from gateway.demo.pictures import SIZE, picture

SAMPLE = Path(__file__).resolve().parents[2] / "config.yaml"

PIXELS = """
image => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
}
"""


@pytest.fixture(scope="module")
def erp():
    erp = DemoUpstream().start()
    yield erp
    erp.stop()


@pytest.fixture(scope="module")
def relay(erp):
    """Keeps each byte that the ERP is sent, whatever the ERP itself would write down."""
    relay = Relay("127.0.0.1", erp.port)
    yield relay
    relay.close()


@pytest.fixture(scope="module")
def gateway(relay, tmp_path_factory):
    """With the sample configuration, word for word but for the ERP's port."""
    config = SAMPLE.read_text().replace("http://127.0.0.1:8090", f"http://127.0.0.1:{relay.port}")
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway"), config).start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def token(gateway):
    answer = requests.post(
        f"{gateway.url}/auth/login", json={"username": DEMO_USER, "password": DEMO_PASSWORD}, timeout=30
    )
    return answer.json()["access_token"]


@pytest.fixture
def page(browser, gateway):
    """A document that came through the gateway, by an anonymous path."""
    page = browser.new_page()
    page.goto(f"{gateway.url}/public/ping")
    yield page
    page.close()


def show(page, source):
    """Put a picture on the page; return it once the browser has loaded it or given up."""
    page.set_content(f'<img src="{source}">', wait_until="load")
    image = page.query_selector("img")
    assert image.evaluate("image => image.complete")
    return image


def size(image):
    return image.evaluate("image => [image.naturalWidth, image.naturalHeight]")


def requests_from_now(page):
    sent = []

    def keep(request):  # not sent.append: Playwright hangs a mark on the function
        sent.append(request)

    page.on("request", keep)
    return sent


def pixels_of(png):
    """RGBA values, row by row, of a truecolour PNG whose lines are not filtered."""
    begin = png.index(b"IDAT") + 4
    length = struct.unpack(">I", png[begin - 8 : begin - 4])[0]
    lines = zlib.decompress(png[begin : begin + length])
    stride = 1 + SIZE * 3
    pixels = []
    for at in range(0, len(lines), stride):
        row = lines[at + 1 : at + stride]
        for x in range(0, len(row), 3):
            pixels += [*row[x : x + 3], 255]
    return pixels


@pytest.mark.parametrize("number", [1, 5])
def test_a_picture_is_shown_by_url_token_pixel_by_pixel(page, token, number):
    image = show(page, f"/products/{number}.png?access_token={token}")

    assert size(image) == [SIZE, SIZE]
    assert image.evaluate(PIXELS) == pixels_of(picture(number))


@pytest.mark.parametrize("query", ["", "?access_token=", "?access_token=wrong", "?access_token={token}x"])
def test_without_a_good_token_the_picture_is_broken(page, erp, token, query):
    asked = len(erp.requests)

    image = show(page, f"/products/2.png{query.format(token=token)}")

    assert size(image) == [0, 0]
    assert ("GET", "/products/2.png") not in erp.requests[asked:]


def test_the_erp_gets_the_url_without_the_token_and_with_the_rest_of_the_query(page, erp, token):
    asked = len(erp.requests)

    show(page, f"/products/3.png?size=big&access_token={token}&n=%C3%A4")

    # Of pictures: a browser may ask for its page again when it likes.
    pictures = [request for request in erp.requests[asked:] if "/products/" in request[1]]
    assert pictures == [("GET", "/products/3.png?size=big&n=%C3%A4")]


def test_a_page_opened_by_url_token_names_it_to_nobody(page, gateway, token):
    """`Referrer-Policy: no-referrer`: the browser itself keeps it back."""
    page.goto(f"{gateway.url}/products/1.png?access_token={token}")
    sent = requests_from_now(page)

    page.evaluate("fetch('/public/ping').then(answer => answer.text())")
    page.evaluate("location.href = '/public/ping?followed'")
    page.wait_for_url("**/public/ping?followed")

    assert {request.resource_type for request in sent} >= {"fetch", "document"}
    for request in sent:
        assert "referer" not in request.all_headers()


def test_a_referrer_that_a_page_sends_all_the_same_loses_its_token(page, gateway, relay, token):
    seen = len(relay.bytes_received)
    page.goto(f"{gateway.url}/products/1.png?size=big&access_token={token}")
    sent = requests_from_now(page)

    page.evaluate("fetch('/public/ping', {referrerPolicy: 'unsafe-url'}).then(answer => answer.text())")

    (request,) = (each for each in sent if each.resource_type == "fetch")
    assert token in request.all_headers()["referer"]
    assert f"Referer: {gateway.url}/products/1.png?size=big\r\n".encode() in relay.bytes_received[seen:]


def test_shared_caches_are_kept_from_an_answer_to_a_url_token(page, gateway, token):
    answer = page.goto(f"{gateway.url}/products/1.png?access_token={token}")

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "private" in answer.headers["cache-control"]
    assert "public" not in answer.headers["cache-control"]


def test_no_token_is_found_where_the_erp_or_an_operator_could_read_it(page, gateway, erp, relay, token):
    """The ERP's own log, all bytes it was sent, the access and audit log, and what the gateway says of itself."""
    show(page, f"/products/4.png?access_token={token}")

    line = gateway.logged("/products/4.png")

    assert (line["auth_method"], line["user"], line["status"]) == ("access_token", DEMO_USER, 200)
    for written in (str(erp.requests), relay.bytes_received.decode("latin-1"), gateway.stdout, gateway.stderr):
        assert token not in written
        assert "access_token=" not in written
