"""The customers of the demo ERP behave as a small JSON API does."""

import pytest

from gateway.demo.erp import make_app


@pytest.fixture
async def erp(aiohttp_client):
    return await aiohttp_client(make_app())


async def test_customers_are_listed_as_json(erp):
    answer = await erp.get("/customers")

    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert [customer["id"] for customer in await answer.json()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("q=FARM", [1]),
        ("country=US", [1, 3]),
        ("country=US&q=joe", [3]),
        ("city=K%C3%B6ln", [5]),
        ("id=4", [4]),
        ("q=nobody", []),
        ("colour=red", []),
    ],
)
async def test_every_query_parameter_has_to_fit(erp, query, ids):
    answer = await erp.get(f"/customers?{query}")

    assert [customer["id"] for customer in await answer.json()] == ids


async def test_a_created_customer_is_read_changed_and_deleted(erp):
    created = await erp.post("/customers", json={"name": "New Ltd.", "city": "Bern", "id": 99})

    assert created.status == 201
    at = created.headers["Location"]
    assert await created.json() == {"name": "New Ltd.", "city": "Bern", "id": 6}
    assert (await (await erp.get(at)).json())["name"] == "New Ltd."

    changed = await erp.put(at, json={"city": "Basel", "id": 1})

    assert await changed.json() == {"name": "New Ltd.", "city": "Basel", "id": 6}
    assert (await erp.delete(at)).status == 204
    assert (await erp.get(at)).status == 404
    assert (await erp.delete(at)).status == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"name"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(erp, body):
    answer = await erp.post("/customers", data=body)

    assert answer.status == 400
    assert "error" in await answer.json()


async def test_an_unknown_customer_is_a_json_404(erp):
    answer = await erp.get("/customers/77")

    assert answer.status == 404
    assert await answer.json() == {"error": "no such customer"}
