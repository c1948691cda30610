"""A fake ItemPath: flask-jwt-extended's tokens and errors, as its user API answers them."""

from time import time
from uuid import uuid4

import jwt
from aiohttp import web
from fakes.fake_erp import FakeErp

KEY = "k" * 32
NO_HEADER = "Missing Authorization Header"
NO_BEARER = "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'"


class ItemPath(FakeErp):
    def __init__(self, users=None, *, life=900, refresh_method="POST"):
        self.life = life
        self.refresh_method = refresh_method
        self.dead = set()
        """jti"""
        self.applications = set()
        """Names of the users of type application."""
        super().__init__(users)

    def routes(self):
        return {
            ("POST", "/api/users/login"): self._login,
            (self.refresh_method, "/api/users/refresh"): self._refresh,
            ("*", "/api/users/refresh"): self._not_allowed,
            ("POST", "/api/users/application-token"): self._application_token,
        }

    def expire_access(self):
        """All access tokens that were issued so far."""
        self._ended = {"access"}
        self._ended_before = self._count

    def expire_all(self):
        self._ended = {"access", "refresh"}
        self._ended_before = self._count

    _ended = frozenset()
    _ended_before = 0
    _count = 0

    def _mint(self, kind, name, life):
        now = int(time())
        self._count += 1
        claims = {"fresh": False, "iat": now, "jti": f"{self._count}-{uuid4()}", "type": kind, "identity": name}
        claims |= {"nbf": now} | ({"exp": now + life} if life else {})
        return jwt.encode(claims, KEY, algorithm="HS256")

    async def _login(self, request):
        body = await request.json()
        name = body["username"]
        if name in self.locked:
            return web.json_response({"msg": "locked"}, status=403)
        if not self.knows(name, body["password"]):
            return web.json_response({"msg": "not found"}, status=404)
        tokens = {
            "accessToken": self._mint("access", name, self.life),
            "refreshToken": self._mint("refresh", name, 2592000),
        }
        return web.json_response({"login": True, **tokens, "username": name, "id": sorted(self.users).index(name) + 1})

    async def _refresh(self, request):
        claims, refused = self._claims(request, "refresh")
        if refused is not None:
            return refused
        return web.json_response({"accessToken": self._mint("access", claims["identity"], self.life)})

    async def _application_token(self, request):
        claims, refused = self._claims(request, "refresh")
        if refused is not None:
            return refused
        if claims["identity"] not in self.applications:
            return web.json_response({"msg": "not an application"}, status=403)
        return web.json_response({"token": self._mint("access", claims["identity"], None)})

    async def _not_allowed(self, request):
        return web.json_response({"msg": "The method is not allowed"}, status=405)

    async def resource(self, request):
        claims, refused = self._claims(request, "access")
        if refused is not None:
            return refused
        body = await request.read()
        return web.json_response({"user": claims["identity"], "bytes": len(body)})

    def _claims(self, request, kind):
        told = request.headers.get("Authorization")
        scheme, _, token = (told or "").partition(" ")
        if scheme != "Bearer":
            return None, web.json_response({"msg": NO_HEADER if told is None else NO_BEARER}, status=401)
        try:
            claims = jwt.decode(token, KEY, algorithms=["HS256"])
        except jwt.ExpiredSignatureError:
            return None, web.json_response({"msg": "Token has expired"}, status=401)
        except jwt.InvalidTokenError as error:
            return None, web.json_response({"msg": str(error)}, status=422)
        if claims["type"] != kind:
            wanted = "refresh" if kind == "refresh" else "non-refresh"
            return None, web.json_response({"msg": f"Only {wanted} tokens are allowed"}, status=422)
        if kind in self._ended and "exp" in claims and int(claims["jti"].partition("-")[0]) <= self._ended_before:
            return None, web.json_response({"msg": "Token has expired"}, status=401)
        return claims, None
