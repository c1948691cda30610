"""A fake Jmix: /oauth as 1.x answers it, /oauth2 as 2.x does, and a protected REST API."""

from base64 import b64decode, b64encode
from secrets import token_bytes, token_urlsafe

from aiohttp import web
from fakes.fake_erp import FakeErp

CLIENT, SECRET = "client", "secret"


def refuse(status, code, text=""):
    body = {"error": code, "error_description": text} if text else {"error": code}
    return web.json_response(body, status=status)


class Jmix(FakeErp):
    def __init__(self, users=None, *, life=43200, path="/oauth"):
        self.life = life
        self.path = path
        self.access = {}
        """token -> name"""
        self.refresh = {}
        self.disabled = set()
        self.rotates = False
        self.gives_refresh = True
        super().__init__(users)

    def routes(self):
        return {("POST", f"{self.path}/token"): self._token, ("POST", f"{self.path}/revoke"): self._revoke}

    def expire_access(self):
        self.access.clear()

    def expire_all(self):
        self.access.clear()
        self.refresh.clear()

    def _client(self, request):
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Basic" and b64decode(pair) == f"{CLIENT}:{SECRET}".encode()

    async def _token(self, request):
        if not self._client(request):
            body = {"timestamp": "2026-01-01", "status": 401, "error": "Unauthorized", "path": request.path}
            return web.json_response(body, status=401, headers={"WWW-Authenticate": 'Basic realm="oauth2/client"'})
        form = await request.post()
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        name = form["username"]
        if not self.knows(name, form["password"]):
            return refuse(400, "invalid_grant", "Bad credentials")
        if name in self.locked:
            return refuse(400, "invalid_grant", "User account is locked")
        return self._issue(name, self._new())

    def _refresh(self, token):
        name = self.refresh.get(token)
        if name is None:
            return refuse(400, "invalid_grant", f"Invalid refresh token: {token}")
        for access in [access for access, owner in self.access.items() if owner == name]:
            del self.access[access]  # dead at once
        if self.rotates:
            del self.refresh[token]
            token = self._new()
        return self._issue(name, token)

    def _issue(self, name, refresh):
        access = self._new()
        self.access[access] = name
        body = {"access_token": access, "token_type": "bearer"}
        if self.gives_refresh:
            self.refresh[refresh] = name
            body["refresh_token"] = refresh
        body |= {"expires_in": self.life - 1, "scope": "api", "OAuth2.SESSION_ID": token_urlsafe(16)}
        return web.json_response(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _revoke(self, request):
        if not self._client(request):
            return web.Response(status=401)
        token = (await request.post())["token"]
        name = self.refresh.get(token) or self.access.get(token)
        self.access = {access: owner for access, owner in self.access.items() if owner != name}
        self.refresh = {each: owner for each, owner in self.refresh.items() if owner != name}
        return web.Response()

    async def resource(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        name = self.access.get(token) if scheme.lower() == "bearer" else None
        if name is None:
            return refuse(401, "invalid_token", f"Invalid access token: {token}")
        body = await request.read()
        return web.json_response({"user": name, "bytes": len(body)})

    def _new(self):
        return b64encode(token_bytes(20)).decode()
