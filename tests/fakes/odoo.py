"""A fake Odoo: /web/session/* as addons/web answers it, one JSON-RPC resource, one page."""

import json
from secrets import token_urlsafe

from aiohttp import web
from fakes.fake_erp import FakeErp

DATABASE = "prod"


def rpc(request_id, **value):
    return web.json_response({"jsonrpc": "2.0", "id": request_id, **value})


def error(request_id, name, message, code=200):
    label = "Odoo Session Expired" if code == 100 else "Odoo Server Error"
    data = {"name": name, "debug": "", "message": message, "arguments": [message], "context": {}}
    return rpc(request_id, error={"code": code, "message": label, "data": data})


class Odoo(FakeErp):
    def __init__(self, users=None):
        self.sessions = {}
        """sid -> name"""
        self.second_factor = set()
        self.old_body = False
        self.rotate_next = False
        self.destroyed = []
        super().__init__(users)

    def routes(self):
        return {
            ("POST", "/web/session/authenticate"): self._authenticate,
            ("POST", "/web/session/get_session_info"): self._info,
            ("POST", "/web/session/destroy"): self._destroy,
            ("POST", "/web/webclient/version_info"): self._version,
            ("POST", "/web/database/list"): self._databases,
            ("GET", "/web/report"): self._page,
            ("GET", "/web/login"): self._login_page,
        }

    def expire_all(self):
        self.sessions.clear()

    def uid(self, name):
        return sorted(self.users).index(name) + 2

    async def _version(self, request):
        told = {"server_version": "8.0", "server_version_info": [8, 0, 0, "final", 0], "protocol_version": 1}
        return rpc((await request.json())["id"], result=told)

    async def _databases(self, request):
        return rpc((await request.json())["id"], result=[DATABASE])

    async def _authenticate(self, request):
        call = await request.json()
        params = call["params"]
        name = params["login"]
        if params["db"] != DATABASE:
            return error(call["id"], "odoo.exceptions.AccessError", "Database not found.")
        if name in self.locked:
            text = "Too many login failures, please wait a bit before trying again."
            return error(call["id"], "odoo.exceptions.AccessDenied", text)
        if not self.knows(name, params["password"]):
            return error(call["id"], "odoo.exceptions.AccessDenied", "Access Denied")
        if name in self.second_factor:
            return rpc(call["id"], result={"uid": None})
        sid = self._open(name)
        result = self._session_info(name)
        if self.old_body:
            return rpc(call["id"], result={**result, "session_id": sid})
        return self._with_cookie(rpc(call["id"], result=result), sid)

    async def _info(self, request):
        call = await request.json()
        sid, name = self._session(request)
        if name is None:
            return error(call["id"], "odoo.http.SessionExpiredException", "Session expired", 100)
        answer = rpc(call["id"], result=self._session_info(name))
        return self._rotated(answer, sid)

    async def _destroy(self, request):
        call = await request.json()
        sid, name = self._session(request)
        if name is None:
            return error(call["id"], "odoo.http.SessionExpiredException", "Session expired", 100)
        del self.sessions[sid]
        self.destroyed.append(sid)
        return rpc(call["id"])

    async def _page(self, request):
        sid, name = self._session(request)
        if name is None:
            return web.Response(status=303, headers={"Location": "/web/login?redirect=%2Fweb%2Freport"})
        return self._rotated(web.Response(text=f"<p>{name}</p>", content_type="text/html"), sid)

    async def _login_page(self, request):
        return self._with_cookie(web.Response(text="<form>", content_type="text/html"), token_urlsafe(63))

    async def resource(self, request):
        body = await request.read()
        call = json.loads(body) if body else {"id": None}
        sid, name = self._session(request)
        if name is None:
            return error(call.get("id"), "odoo.http.SessionExpiredException", "Session expired", 100)
        return self._rotated(rpc(call.get("id"), result={"user": name, "params": call.get("params")}), sid)

    def _open(self, name):
        sid = token_urlsafe(63)
        self.sessions[sid] = name
        return sid

    def _session(self, request):
        sid = request.cookies.get("session_id")
        return sid, self.sessions.get(sid)

    def _rotated(self, answer, sid):
        if not self.rotate_next:
            return answer
        self.rotate_next = False
        return self._with_cookie(answer, self._open(self.sessions.pop(sid)))

    def _with_cookie(self, answer, sid):
        answer.set_cookie("session_id", sid, max_age=604800, httponly=True, path="/")
        return answer

    def _session_info(self, name):
        context = {"lang": "en_US", "tz": "Europe/Brussels", "uid": self.uid(name)}
        who = {"uid": self.uid(name), "is_admin": False, "name": name.title(), "username": name}
        return {**who, "db": DATABASE, "user_context": context}
