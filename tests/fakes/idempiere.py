"""A fake iDempiere REST API: two-step and abbreviated login, single-use refresh tokens with breach, logout."""

from secrets import token_hex
from time import time

import jwt
from aiohttp import web
from fakes.fake_erp import FakeErp

KEY = "k" * 64
HEADERS = {"kid": "idempiere"}

GARDEN = {
    "id": 11, "name": "GardenWorld", "language": "en_US",
    "roles": [
        {"id": 102, "name": "GardenWorld Admin", "organizations": [
            {"id": 11, "name": "HQ", "warehouses": [{"id": 103, "name": "HQ Warehouse"}]},
            {"id": 12, "name": "Store", "warehouses": []},
        ]},
        {"id": 103, "name": "GardenWorld User", "organizations": [{"id": 11, "name": "HQ", "warehouses": []}]},
    ],
}  # fmt: skip
ONLY = {
    "id": 12, "name": "Solo", "language": "de_DE",
    "roles": [{"id": 201, "name": "Solo Role", "organizations": [{"id": 21, "name": "One", "warehouses": []}]}],
}  # fmt: skip


def auth_error(detail):
    return web.json_response({"title": "Authenticate error", "status": 401, "detail": detail}, status=401)


def title(text):
    return web.json_response({"title": text, "status": 401}, status=401)


class Idempiere(FakeErp):
    """ada has two roles in one tenant, bob one of everything (the abbreviated login)."""

    def __init__(self, users=None, *, life=3600):
        self.life = life
        self.tenants = {"ada": [GARDEN], "bob": [ONLY]}
        self.languages = {}
        """What users prefer to their tenant's."""
        self.default_warehouse = None
        """Its id; None: the only one."""
        self.refresh = {}
        """live refresh token -> (session, claims)"""
        self.spent = {}
        self.dead = set()
        """sessions"""
        self.expired_before = 0
        self.breaches = 0
        self._sessions = 0
        self._minted = 0
        super().__init__(users)

    def routes(self):
        base = "/api/v1/auth"
        return {
            ("POST", f"{base}/tokens"): self._login,
            ("PUT", f"{base}/tokens"): self._finish,
            ("GET", f"{base}/roles"): self._roles,
            ("GET", f"{base}/organizations"): self._organizations,
            ("GET", f"{base}/warehouses"): self._warehouses,
            ("GET", f"{base}/language"): self._language,
            ("POST", f"{base}/refresh"): self._refresh,
            ("POST", f"{base}/logout"): self._logout,
        }

    def expire_access(self):
        self.expired_before = self._minted

    def expire_all(self):
        self.expire_access()
        self.refresh.clear()

    async def _login(self, request):
        body = await request.json()
        name = body["userName"]
        if name in self.locked:
            return auth_error(f"Reached the maximum number of login attempts, user account ({name}) is locked")
        if not self.knows(name, body["password"]):
            return auth_error("Invalid User ID or Password")
        tenants = self.tenants[name]
        clients = [{"id": each["id"], "name": each["name"]} for each in tenants]
        if tenants == [ONLY]:
            role = ONLY["roles"][0]
            final = self._final(name, ONLY, role, role["organizations"][0], None, "de_DE", {"Clients": "12"})
            return web.json_response({"clients": clients, "clientId": 12, **final})
        claims = {"sub": name, "Clients": ",".join(str(each["id"]) for each in tenants)}
        return web.json_response({"clients": clients, "token": self._mint(claims)})

    async def _finish(self, request):
        claims = self._claims(request)
        body = await request.json()
        if claims is None or "Clients" not in claims:
            return auth_error("Invalid clientId")
        tenants = self.tenants[claims["sub"]]
        tenant = _one(tenants, body.get("clientId"))
        if tenant is None:
            return auth_error("Invalid clientId")
        if "roleId" not in body and len(tenant["roles"]) != 1:
            return auth_error("Missing roleId parameter")
        role = _one(tenant["roles"], body.get("roleId"))
        if role is None:
            return auth_error("Invalid roleId")
        organization = _one(role["organizations"], body.get("organizationId"))
        if organization is None:
            return auth_error("Invalid organizationId")
        wanted = body.get("warehouseId", self.default_warehouse)
        warehouse = _one(organization["warehouses"], wanted) if organization["warehouses"] else None
        language = body.get("language", self.languages.get(claims["sub"], tenant["language"]))
        return web.json_response(self._final(claims["sub"], tenant, role, organization, warehouse, language))

    async def _roles(self, request):
        return self._selection(request, "roles", lambda tenant: tenant["roles"])

    async def _organizations(self, request):
        role = request.query["role"]
        return self._selection(request, "organizations", lambda tenant: _one(tenant["roles"], role)["organizations"])

    async def _warehouses(self, request):
        def warehouses(tenant):
            role = _one(tenant["roles"], request.query["role"])
            return _one(role["organizations"], request.query["organization"])["warehouses"]

        return self._selection(request, "warehouses", warehouses)

    async def _language(self, request):
        claims = self._claims(request)
        tenant = _one(self.tenants[claims["sub"]], request.query["client"])
        return web.json_response({"AD_Language": tenant["language"]})

    def _selection(self, request, what, of):
        claims = self._claims(request)
        if claims is None:
            return web.Response(status=401)
        tenant = _one(self.tenants[claims["sub"]], request.query["client"])
        if tenant is None:
            return auth_error("Invalid client")
        return web.json_response({what: [{"id": each["id"], "name": each["name"]} for each in of(tenant)]})

    async def _refresh(self, request):
        body = await request.json()
        token = body["refresh_token"]
        if "clientId" not in body or "userId" not in body:
            return auth_error("No clientId provided")
        if token in self.spent:
            self.breaches += 1
            self.dead.add(self.spent[token])
            self.refresh = {each: kept for each, kept in self.refresh.items() if kept[0] != self.spent[token]}
            return auth_error("Invalid refresh token")
        if token not in self.refresh:
            return auth_error("Invalid refresh token")
        session, claims = self.refresh.pop(token)
        if (body["clientId"], body["userId"]) != (claims["AD_Client_ID"], claims["AD_User_ID"]):
            return auth_error("Invalid refresh token")
        self.spent[token] = session
        return web.json_response(self._pair(session, claims))

    async def _logout(self, request):
        claims = jwt.decode((await request.json())["token"], KEY, algorithms=["HS512"], options={"verify_exp": False})
        if "AD_Session_ID" not in claims:
            return web.json_response({"title": "AD_Session_ID not found", "status": 404}, status=404)
        session = claims["AD_Session_ID"]
        self.dead.add(session)
        self.refresh = {each: kept for each, kept in self.refresh.items() if kept[0] != session}
        return web.json_response({"summary": "OK"})

    async def resource(self, request):
        claims = self._claims(request)
        if claims is None or "AD_Role_ID" not in claims:
            return web.Response(status=401)
        if request.path.endswith("/forbidden"):
            return web.Response(status=401)  # not 403
        if claims["AD_Session_ID"] in self.dead:
            return title("Token is revoked")
        if claims["minted"] <= self.expired_before:
            return title("Token has expired")
        body = await request.read()
        return web.json_response({"user": claims["sub"], "role": claims["AD_Role_ID"], "bytes": len(body)})

    def _final(self, name, tenant, role, organization, warehouse, language, clients=()):
        self._sessions += 1
        claims = {
            "sub": name,
            **dict(clients),
            "AD_Client_ID": tenant["id"],
            "AD_User_ID": 101,
            "AD_Role_ID": role["id"],
        }
        claims |= {"AD_Org_ID": organization["id"]} | ({"M_Warehouse_ID": warehouse["id"]} if warehouse else {})
        claims |= {"AD_Language": language, "AD_Session_ID": 1000 + self._sessions}
        return {"userId": 101, "language": language, "menuTreeId": 10, **self._pair(1000 + self._sessions, claims)}

    def _pair(self, session, claims):
        refresh = token_hex(32)
        self.refresh[refresh] = (session, claims)
        return {"token": self._mint(claims), "refresh_token": refresh}

    def _mint(self, claims):
        self._minted += 1
        claims = {**claims, "minted": self._minted, "iss": "idempiere.org", "exp": int(time()) + self.life}
        return jwt.encode(claims, KEY, algorithm="HS512", headers=HEADERS)

    def _claims(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return None
        try:
            return jwt.decode(token, KEY, algorithms=["HS512"])
        except jwt.InvalidTokenError:
            return None


def _one(listed, wanted):
    """By id or name; the only one where nothing is asked for."""
    if wanted is None:
        return listed[0] if len(listed) == 1 else None
    return next((each for each in listed if str(wanted) in {str(each["id"]), each["name"]}), None)
