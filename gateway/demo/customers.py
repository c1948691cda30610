"""Customers of the demo ERP: listed, read, created, changed and deleted as JSON, kept in memory only."""

import json
from itertools import count
from typing import Any

from aiohttp import web

_SAMPLE = (
    ("Seed Farm Inc.", "Portland", "US"),
    ("Patio Fun Ltd.", "Leeds", "GB"),
    ("Joe Block", "Hartford", "US"),
    ("Agri-Tech SA", "Lyon", "FR"),
    ("Chemische Gärten GmbH", "Köln", "DE"),
)

Customer = dict[str, Any]


class Customers:
    """The customers of one running demo ERP; every start begins with the same sample."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._by_id: dict[int, Customer] = {}
        for name, city, country in _SAMPLE:
            self._add({"name": name, "city": city, "country": country})

    def routes(self) -> list[web.RouteDef]:
        """What stands below /customers."""
        return [
            web.get("/customers", self.list),
            web.post("/customers", self.create),
            web.get(r"/customers/{id:\d+}", self.read),
            web.put(r"/customers/{id:\d+}", self.change),
            web.delete(r"/customers/{id:\d+}", self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All customers, or those that every query parameter fits: `q` anywhere in the name, others exactly."""
        return web.json_response([customer for customer in self._by_id.values() if _fits(customer, request)])

    async def read(self, request: web.Request) -> web.Response:
        """One customer; 404 if there is none."""
        return web.json_response(self._named(request))

    async def create(self, request: web.Request) -> web.Response:
        """201 with the new customer and its Location."""
        customer = self._add(await _customer_in(request))
        return web.json_response(customer, status=201, headers={"Location": f"/customers/{customer['id']}"})

    async def change(self, request: web.Request) -> web.Response:
        """The customer with the sent fields in place of the old ones."""
        customer = self._named(request)
        customer |= await _customer_in(request) | {"id": customer["id"]}
        return web.json_response(customer)

    async def delete(self, request: web.Request) -> web.Response:
        """204; 404 if there is no such customer."""
        del self._by_id[self._named(request)["id"]]
        return web.Response(status=204)

    def _add(self, fields: Customer) -> Customer:
        number = next(self._ids)
        customer = self._by_id[number] = {**fields, "id": number}
        return customer

    def _named(self, request: web.Request) -> Customer:
        customer = self._by_id.get(int(request.match_info["id"]))
        if customer is None:
            raise web.HTTPNotFound(text='{"error": "no such customer"}', content_type="application/json")
        return customer


def _fits(customer: Customer, request: web.Request) -> bool:
    return all(
        value.casefold() in str(customer.get("name", "")).casefold() if key == "q" else str(customer.get(key)) == value
        for key, value in request.query.items()
    )


async def _customer_in(request: web.Request) -> Customer:
    """The JSON object of the body; 400 for anything else."""
    try:
        fields = json.loads(await request.read())
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise web.HTTPBadRequest(text='{"error": "a JSON object is needed"}', content_type="application/json")
    return fields
