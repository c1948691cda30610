"""A fake Odoo whose users put their password, or an API key, into every call."""

from xmlrpc.client import Fault, dumps, loads

from aiohttp import web
from fakes.odoo import DATABASE, Odoo, error, rpc


class AccessDeniedError(Exception):
    """As odoo.exceptions."""


class RpcOdoo(Odoo):
    """`/jsonrpc` and `/xmlrpc/2/*`, as odoo/service/{common,model}.py answer them."""

    def __init__(self, users=None):
        self.keys = {"a" * 40: "ada"}
        """API key -> name: right in calls, wrong in the web session."""
        self.checked = 0
        super().__init__(users)

    def routes(self):
        return super().routes() | {
            ("POST", "/jsonrpc"): self._json,
            ("POST", "/xmlrpc/2/common"): self._xml,
            ("POST", "/xmlrpc/2/object"): self._xml,
            ("POST", "/web/webclient/version_info"): self._info_of_version,
        }

    async def _info_of_version(self, request):
        return rpc((await request.json())["id"], result=self._dispatch("common", "version", []))

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
            told = dumps((self._dispatch(request.path.rpartition("/")[2], method, args),), methodresponse=True)
        except AccessDeniedError:
            told = dumps(Fault(3, "Access Denied"))
        return web.Response(text=told, content_type="text/xml")

    def _dispatch(self, service, method, args):
        if (service, method) == ("common", "version"):
            return {"server_version": "8.0", "server_version_info": [8, 0, 0, "final", 0], "protocol_version": 1}
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
        return {"by": name, "model": model, "method": called, "args": list(more)}
