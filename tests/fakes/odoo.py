"""A fake Odoo: /web/session/* as addons/web answers it, calls with the password in them, one resource, one page."""

import json
from secrets import token_urlsafe
from xmlrpc.client import Fault, dumps, loads

from aiohttp import web
from fakes.fake_erp import FakeErp

DATABASE = "prod"


def rpc(request_id, **value):
    return web.json_response({"jsonrpc": "2.0", "id": request_id, **value})


def error(request_id, name, message, code=200):
    label = "Odoo Session Expired" if code == 100 else "Odoo Server Error"
    data = {"name": name, "debug": "", "message": message, "arguments": [message], "context": {}}
    return rpc(request_id, error={"code": code, "message": label, "data": data})


class AccessDeniedError(Exception):
    """As odoo.exceptions."""


class Odoo(FakeErp):
    """Sessions by cookie; `/jsonrpc` and `/xmlrpc/2/*` as odoo/service/{common,model}.py answer them.

    Clients look at `version` before they log in: OdooRPC uses the web session below 10.0 and `/jsonrpc` from then on.
    """

    def __init__(self, users=None, *, version="8.0"):
        self.version = version
        self.keys = {"a" * 40: "ada"}
        """API key -> name: right in calls, wrong in the web session."""
        self.checked = 0
        """Passwords in calls."""
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
            ("POST", "/jsonrpc"): self._json,
            **{("POST", f"/xmlrpc/{where}"): self._xml for where in ("common", "object", "2/common", "2/object")},
            ("GET", "/web/report"): self._page,
            ("GET", "/web/login"): self._login_page,
        }

    def expire_all(self):
        self.sessions.clear()

    def uid(self, name):
        return sorted(self.users).index(name) + 2

    @property
    def _about(self):
        serie, minor = map(int, self.version.split("."))
        told = {"server_version": self.version, "server_serie": self.version, "protocol_version": 1}
        return told | {"server_version_info": [serie, minor, 0, "final", 0]}

    async def _version(self, request):
        return rpc((await request.json())["id"], result=self._about)

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
        """Most of what addons/web/models/ir_http.py tells, in its order."""
        company = {"id": 1, "name": "My Company", "sequence": 0}
        return {
            "uid": self.uid(name),
            "is_system": False,
            "is_admin": False,
            "is_public": False,
            "is_internal_user": True,
            "user_context": self._context(name),
            "db": DATABASE,
            "server_version": self.version,
            "server_version_info": self._about["server_version_info"],
            "support_url": "https://www.odoo.com/buy",
            "name": name.title(),
            "username": name,
            "partner_display_name": f"My Company, {name.title()}",
            "partner_id": self.uid(name) + 1,
            "web.base.url": self.url,
            "active_ids_limit": 20000,
            "max_file_upload_size": 134217728,
            "user_companies": {"current_company": 1, "allowed_companies": {"1": company}},
            "cache_hashes": {"load_menus": "0" * 64},
        }

    def _context(self, name):
        return {"lang": "en_US", "tz": "Europe/Brussels", "uid": self.uid(name)}

    # -- calls with the password in them ---------------------------------------------------------------------------

    async def _json(self, request):
        call = await request.json()
        params = call["params"]
        try:
            return rpc(call["id"], result=self._dispatch(params["service"], params["method"], params["args"]))
        except AccessDeniedError:
            return error(call["id"], "odoo.exceptions.AccessDenied", "Access Denied")

    async def _xml(self, request):
        args, method = loads(await request.text())
        try:
            answer = self._dispatch(request.path.rpartition("/")[2], method, args)
            told = dumps((answer,), methodresponse=True, allow_none=True)
        except AccessDeniedError:
            told = dumps(Fault(3 if "/2/" in request.path else "AccessDenied", "Access Denied"))
        return web.Response(text=told, content_type="text/xml")

    def _dispatch(self, service, method, args):
        if (service, method) == ("common", "version"):
            return self._about
        self.checked += 1
        database, who, password = args[:3]
        assert database == DATABASE
        name = who if service == "common" else {self.uid(each): each for each in self.users}.get(who)
        right = name is not None and (self.knows(name, password) or self.keys.get(password) == name)
        if service == "common":
            return self.uid(name) if right else False
        if not right:
            raise AccessDeniedError
        model, called, *more = args[3:]
        if (model, called) == ("res.users", "read"):
            return [{"id": who, "login": name}]
        if (model, called) == ("res.users", "context_get"):
            return self._context(name)
        return {"by": name, "model": model, "method": called, "args": list(more)}
