"""The people of iDempiere's GardenWorld as listed users, and a login of that dialect over them."""

import json

from fakes.token_rig import PASSWORD, PASSWORD_HASH, call

from gateway.config.identities import UsersOptions
from gateway.dialects.idempiere.dialect import Idempiere

PATH = "/api/v1/auth"
HQ = {
    "id": "11",
    "name": "HQ",
    "warehouses": [{"id": "103", "name": "HQ Warehouse"}, {"id": "104", "name": "HQ Transit"}],
}
STORE = {"id": "12", "name": "Store Central", "warehouses": [{"id": "50003", "name": "Store Central"}]}
ALL = {"id": "0", "name": "*"}
ADMIN = {"id": "102", "name": "GardenWorld Admin", "organizations": [ALL, HQ, STORE]}
SERVICE = {"id": "2000001", "name": "GardenWorld WebService", "type": "WS", "organizations": [HQ]}
EVERYWHERE = {"id": "2000002", "name": "GardenWorld Everywhere", "organizations": [ALL]}
SELF_SERVICE = {"id": "200", "name": "GardenWorld Self-Service", "type": "SS", "organizations": [HQ]}
GARDEN = {"id": "11", "name": "GardenWorld", "roles": [ADMIN, SERVICE, EVERYWHERE, SELF_SERVICE]}
FURNITURE = {
    "id": "1000000",
    "name": "Möbelwelt",
    "language": "de_DE",
    "roles": [
        {
            "id": "1000001",
            "name": "Verkauf",
            "organizations": [{"id": "1000002", "name": "Twin"}, {"id": "1000003", "name": "Twin"}],
        }
    ],
}
NO_ROLE = {"id": "12", "name": "Shut"}
ONE_STEP = {"clientId": 11, "roleId": 2000001, "organizationId": 11, "warehouseId": 103, "language": "en_US"}

PEOPLE = {
    "GardenAdmin": {"id": "101", "roles": ["sales"], "tenants": [GARDEN, FURNITURE, NO_ROLE]},
    "GardenUser": {"id": "102", "tenants": [{**GARDEN, "roles": [SERVICE, SELF_SERVICE]}]},
    "SelfService": {"id": "103", "tenants": [{**GARDEN, "roles": [SELF_SERVICE]}]},
    "plain": {"id": "plain", "roles": ["sales"]},
    "everywhere": {"id": "104", "tenants": [{**GARDEN, "roles": [EVERYWHERE]}]},
}


def people(**changes):
    """All of them; `changes` replaces what is listed of a user."""
    listed = [
        {"username": name, "password_hash": PASSWORD_HASH, **facts} for name, facts in {**PEOPLE, **changes}.items()
    ]
    return UsersOptions.model_validate({"users": listed})


def dialects(**options):
    return {"idempiere": (Idempiere, PATH, options)}


class Garden:
    """Calls the endpoints of the login as its clients do."""

    def __init__(self, rig):
        self.rig = rig
        self.login = rig.logins["idempiere"]

    async def ask(self, method, suffix, body=None, token=None, query="", **headers):
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers.setdefault("content_type", "application/json")
        return await self.login.handler(method, suffix)(call(method, PATH + suffix, raw, query, **headers))

    async def sign_in(self, username="GardenAdmin", parameters=ONE_STEP, password=PASSWORD):
        body = {"userName": username, "password": password}
        reply = await self.ask("POST", "/tokens", body if parameters is None else {**body, "parameters": parameters})
        assert reply.status == 200, reply.body
        return json.loads(reply.body)


def problem(text, status=401):
    return b'{"title":"%s","status":%d}' % (text.encode(), status)


def declined(text):
    return b'{"title":"Authenticate error","status":401,"detail":"%s"}' % text.encode()
