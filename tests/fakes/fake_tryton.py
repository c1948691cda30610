"""A fake Tryton: common.db.login and logout and one resource, failing as it is told to; the real one is slow to."""

from base64 import b64decode
from secrets import token_hex

from aiohttp import web
from fakes.fake_erp import FakeErp

DATABASE = "erp"


def unauthorized():
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Tryton"'})


class FakeTryton(FakeErp):
    def __init__(self, users=None):
        self.sessions = {}
        """key -> name"""
        super().__init__(users)

    def routes(self):
        return {("POST", f"/{DATABASE}/rpc/"): self._rpc}

    def expire_all(self):
        self.sessions.clear()

    async def _rpc(self, request):
        call = await request.json()
        assert set(call) == {"id", "method", "params"}  # else Tryton's answers have no envelope
        if call["method"] == "common.db.login":
            return self._login(call)
        name, key = self._session(request)
        if name is None:
            return unauthorized()
        if call["method"] == "common.db.logout":
            del self.sessions[key]
        return web.json_response({"id": call["id"], "result": None})

    def _login(self, call):
        name, parameters = call["params"]
        if name in self.locked:
            return web.Response(status=429)
        if not self.knows(name, parameters["password"]):
            return web.Response(status=401)
        key = token_hex(32)
        self.sessions[key] = name
        return web.json_response({"id": call["id"], "result": [self.uid(name), key, None]})

    def uid(self, name):
        return sorted(self.users).index(name) + 1

    def _session(self, request):
        told = request.cookies.get("tryton_session") or self._header(request)
        if told.count(":") < 2:
            return None, None
        name, uid, key = told.rsplit(":", 2)
        known = self.sessions.get(key) == name and str(self.uid(name)) == uid
        return (name, key) if known else (None, None)

    def _header(self, request):
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        return b64decode(value).decode() if scheme == "Session" else ""

    async def resource(self, request):
        name, _ = self._session(request)
        if name is None:
            return unauthorized()
        body = await request.read()
        return web.json_response({"result": {"user": name, "bytes": len(body)}})
