"""The demo ERP tells what it received, and listens where it is told to."""

import aiohttp
import pytest

from gateway.demo.erp import make_app, start_demo_erp
from gateway.demo.pictures import picture


@pytest.fixture
async def erp(aiohttp_client):
    return await aiohttp_client(make_app())


async def test_products_name_their_pictures_and_the_pictures_are_there(erp):
    products = await (await erp.get("/products")).json()

    for product in products:
        answer = await erp.get(product["picture"])
        assert answer.content_type == "image/png"
        assert await answer.read() == picture(product["id"])


async def test_an_unknown_picture_is_404(erp):
    assert (await erp.get("/products/999.png")).status == 404


async def test_whoami_shows_the_identity_and_every_header_as_it_came(erp):
    answer = await erp.get("/whoami", headers={"X-Auth-User": "GardenAdmin", "X-Other": "1"})

    told = await answer.json()
    assert told["identity"] == {"X-Auth-User": "GardenAdmin"}
    assert ["X-Other", "1"] in told["headers"]


async def test_the_ping_answers(erp):
    assert await (await erp.get("/public/ping")).json() == {"ping": "pong"}


async def test_the_log_has_the_raw_target_also_of_what_is_not_found(aiohttp_client):
    lines = []
    erp = await aiohttp_client(make_app(lambda method, target: lines.append((method, target))))

    await erp.get("/nowhere?access_token=abc%20d")
    await erp.delete("/customers/1")

    assert lines == [("GET", "/nowhere?access_token=abc%20d"), ("DELETE", "/customers/1")]


async def test_it_listens_on_a_free_port_and_ends():
    runner = await start_demo_erp("127.0.0.1", 0)
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/public/ping") as answer:
        assert answer.status == 200

    await runner.cleanup()

    assert runner.addresses == []


async def test_a_port_in_use_is_an_os_error():
    runner = await start_demo_erp("127.0.0.1", 0)
    host, port = runner.addresses[0]

    with pytest.raises(OSError, match="address already in use"):
        await start_demo_erp(host, port)

    await runner.cleanup()
