"""`/api/v1/…`: what `gateway reload`, `explain`, `sessions`, `keys` and `bans` ask for, behind the admin token."""

import json
from typing import Any

from aiohttp import web

from gateway.admin.bodies import read_body
from gateway.admin.control import Control, KeyView, Lifting
from gateway.admin.replies import reply
from gateway.errors import BadRequest, NotFound


class Api:
    """Reads each request strictly and passes it on to the control."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        """All addresses of the API."""
        return [
            web.get("/api/v1/snapshot", self._snapshot),
            web.post("/api/v1/reload", self._reload),
            web.post("/api/v1/restart", self._restart),
            web.post("/api/v1/explain", self._explain),
            web.post("/api/v1/drain", self._drain),
            web.get("/api/v1/sessions", self._sessions),
            web.delete("/api/v1/sessions/{id}", self._revoke_session),
            web.post("/api/v1/sessions/revoke", self._revoke),
            web.get("/api/v1/keys", self._keys),
            web.post("/api/v1/keys", self._make_key),
            web.delete("/api/v1/keys/{id}", self._revoke_key),
            web.get("/api/v1/bans", self._bans),
            web.post("/api/v1/bans/lift", self._lift),
        ]

    async def _snapshot(self, _: web.Request) -> web.StreamResponse:
        return reply(await self._control.snapshot())

    async def _reload(self, _: web.Request) -> web.StreamResponse:
        report = await self._control.reload()
        return reply(report, 200 if report.accepted else 422)

    async def _restart(self, _: web.Request) -> web.StreamResponse:
        report = await self._control.restart()
        return reply(report, 200 if report.done else 409)

    async def _explain(self, request: web.Request) -> web.StreamResponse:
        fields = await _read(request, {"method", "target", "headers"})
        method, target = _text(fields, "method"), _text(fields, "target")
        return reply(await self._control.explain(method, target, _pairs(fields.get("headers", []))))

    async def _drain(self, _: web.Request) -> web.StreamResponse:
        await self._control.drain()
        return reply({"status": "draining"}, 202)

    async def _sessions(self, request: web.Request) -> web.StreamResponse:
        fields = dict(request.query)
        found = await self._control.sessions(_text(fields, "provider"), _text(fields, "user_id"))
        return reply({"sessions": list(found)})

    async def _revoke_session(self, request: web.Request) -> web.StreamResponse:
        if not await self._control.revoke_session(request.match_info["id"]):
            raise NotFound("no such session")
        return reply({"status": "revoked"})

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        """Exactly one of: a user, a tenant, everything; the last has to be said in so many words."""
        fields = await _read(request, {"user", "provider", "user_id", "tenant", "all"})
        match fields:
            case {"user": str(user), **rest} if user and (not rest or rest.keys() == {"provider"}):
                await self._control.revoke_named(user, _text(rest, "provider") if rest else "")
            case {"provider": str(provider), "user_id": str(user_id), **rest} if provider and user_id and not rest:
                await self._control.revoke_user(provider, user_id)
            case {"tenant": str(tenant), **rest} if tenant and not rest:
                await self._control.revoke_tenant(tenant)
            case {"all": True, **rest} if not rest:
                await self._control.revoke_all()
            case _:
                raise BadRequest("neither a user nor a tenant nor all")
        return reply({"status": "revoked"})

    async def _keys(self, _: web.Request) -> web.StreamResponse:
        return reply({"keys": list(await self._control.keys())})

    async def _make_key(self, request: web.Request) -> web.StreamResponse:
        """The answer is the only place where the key is ever seen."""
        fields = await _read(request, {"id", "user", "roles", "scopes", "routes", "expires"})
        expires = fields.get("expires")
        if not isinstance(expires, int | float | None) or isinstance(expires, bool):
            raise BadRequest("expires is not in seconds since the epoch")
        wanted = KeyView(
            id=_text(fields, "id"),
            user=_text(fields, "user"),
            roles=_texts(fields, "roles"),
            scopes=_texts(fields, "scopes"),
            routes=_texts(fields, "routes"),
            expires=expires,
        )
        return reply({"id": wanted.id, "key": await self._control.make_key(wanted)}, 201)

    async def _revoke_key(self, request: web.Request) -> web.StreamResponse:
        if not await self._control.revoke_key(request.match_info["id"]):
            raise NotFound("no such key; a declared one is ended in the configuration")
        return reply({"status": "revoked"})

    async def _bans(self, _: web.Request) -> web.StreamResponse:
        return reply({"bans": list(await self._control.bans())})

    async def _lift(self, request: web.Request) -> web.StreamResponse:
        """A user, an address or both; or all, which has to be said in so many words."""
        fields = await _read(request, {"user", "provider", "address", "all"})
        if fields == {"all": True} and fields["all"] is True:
            return reply({"lifted": await self._control.lift_bans(Lifting())})
        named = fields.keys()
        if "all" in named or not named & {"user", "address"} or ("provider" in named and "user" not in named):
            raise BadRequest("neither a user nor an address nor all")
        which = Lifting(**{name: _text(fields, name) for name in fields})
        return reply({"lifted": await self._control.lift_bans(which)})


async def _read(request: web.Request, known: set[str]) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        fields = json.loads(await read_body(request))
    except (ValueError, RecursionError):
        raise BadRequest("not JSON") from None
    if not isinstance(fields, dict) or not fields.keys() <= known:
        raise BadRequest(f"not an object of {', '.join(sorted(known))}")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} is missing")
    return value


def _texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    match fields.get(name, []):
        case [*items] if all(isinstance(item, str) and item for item in items):
            return tuple(items)
    raise BadRequest(f"{name} is not a list of names")


def _pairs(value: Any) -> list[tuple[str, str]]:
    match value:
        case [*items] if all(isinstance(item, list) and [*map(type, item)] == [str, str] for item in items):
            return [(name, text) for name, text in items]
    raise BadRequest("headers are not name and value pairs")
