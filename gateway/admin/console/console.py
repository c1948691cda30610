"""The frame around every page: signing in and out, whose form it is, and errors that people can read."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.admin.console import bans, decisions, keys, overview, sessions
from gateway.admin.console.forms import Form, is_ours, read_form
from gateway.admin.console.pages import Pages
from gateway.admin.console.sign_ins import IDLE_SECONDS, SignIns
from gateway.admin.console.visit import Page, Visit
from gateway.admin.control import Control
from gateway.admin.guard import API_PREFIX, Guard
from gateway.admin.replies import Plain
from gateway.errors import Forbidden, GatewayError, StoreUnavailable

COOKIE = "gateway_console"
STYLE = "/static/console.css"
PROGRAMS = ("/healthz", "/readyz", "/metrics")
"""What programs ask for, and get errors of in JSON, as below API_PREFIX."""

_log = logging.getLogger(__name__)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Console:
    """All pages. What they do is the control's; what they look like is in templates/."""

    def __init__(self, control: Control, guard: Guard, sign_ins: SignIns | None = None) -> None:
        self._control = control
        self._guard = guard
        self._sign_ins = SignIns() if sign_ins is None else sign_ins
        self._pages = Pages()

    def routes(self) -> list[web.RouteDef]:
        """All addresses of the console."""
        pages = [part.pages(self._control) for part in (overview, sessions, keys, bans, decisions)]
        return [
            web.get(STYLE, self._style),
            web.get("/sign-in", self._ask_token),
            web.post("/sign-in", self._sign_in),
            web.post("/sign-out", self._sign_out),
            *(_route(method, path, self._signed_in(page)) for part in pages for method, path, page in part),
        ]

    @property
    def middleware(self) -> Middleware:
        """For `web.Application(middlewares=[guard.middleware, …])`: what fails is told as a page."""

        async def serve(request: web.Request, handler: Next) -> web.StreamResponse:
            if request.path.startswith(API_PREFIX) or request.path in PROGRAMS:
                return await handler(request)
            if not self._guard.has_token and request.path != STYLE:
                return self._pages.show("off.html", status=403)
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001 - a page, whatever broke
                return self._failed(request, error)

        return web.middleware(serve)

    def _failed(self, request: web.Request, error: Exception) -> Plain:
        status, text, headers = _describe(error)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("the console could not answer %s %s", request.method, request.path, exc_info=error)
        sign_in = self._sign_ins.find(request.cookies.get(COOKIE, ""))
        answer = self._pages.show("error.html", sign_in, status=status, title=HTTPStatus(status).phrase, text=text)
        answer.headers.update(headers)
        return answer

    def _signed_in(self, page: Page) -> Next:
        """The page for those who are signed in; the others are asked for the token first."""

        async def serve(request: web.Request) -> web.StreamResponse:
            sign_in = self._sign_ins.find(request.cookies.get(COOKIE, ""))
            if sign_in is None:
                return self._pages.lead("/sign-in")
            form = await read_form(request, sign_in) if request.method == "POST" else Form({})
            return await page(Visit(request, sign_in, form, self._pages))

        return serve

    async def _style(self, _: web.Request) -> web.StreamResponse:
        return self._pages.style()

    async def _ask_token(self, request: web.Request) -> web.StreamResponse:
        cookie = request.cookies.get(COOKIE, "")
        if self._sign_ins.find(cookie) is not None:
            return self._pages.lead("/")
        ended = f"You are not signed in any more (after {IDLE_SECONDS / 60:.0f} minutes unused, for one)."
        return self._pages.show("sign_in.html", mistake=f"{ended} What you sent last was not done." if cookie else "")

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request, None)
        if not self._guard.is_token(form.text("token")):
            self._guard.tell_wrong(request)
            return self._pages.show("sign_in.html", status=403, mistake="That is not the admin token.")
        self._sign_ins.close(request.cookies.get(COOKIE, ""))
        _log.info("an operator signed in to the console from %s", request.remote)
        answer = self._pages.lead("/")
        answer.set_cookie(COOKIE, self._sign_ins.open(), **_guarded(request))
        return answer

    async def _sign_out(self, request: web.Request) -> web.StreamResponse:
        cookie = request.cookies.get(COOKIE, "")
        sign_in = self._sign_ins.find(cookie)
        if sign_in is not None:
            await read_form(request, sign_in)
        elif not is_ours(request):
            raise Forbidden("this form was not sent from the console's own page")
        self._sign_ins.close(cookie)
        answer = self._pages.lead("/sign-in")
        answer.del_cookie(COOKIE, **_guarded(request))
        return answer


def _guarded(request: web.Request) -> dict[str, Any]:
    """The cookie's attributes. A proxy with TLS in front speaks plain HTTP here: the browser knows better."""
    is_tls = request.headers.get("Origin", "").startswith("https://")
    return {"path": "/", "httponly": True, "samesite": "Strict", "secure": is_tls}


def _describe(error: Exception) -> tuple[int, str, dict[str, str]]:
    """Status, a sentence for the operator, and what headers go with it."""
    match error:
        case web.HTTPException():
            said = HTTPStatus(error.status)
            return said, said.description or said.phrase, {n: v for n, v in error.headers.items() if n == "Allow"}
        case StoreUnavailable():
            text = "The token store does not answer, so nothing was read or changed. Nobody is logged out by that."
            return error.status, text, {"Retry-After": "1"}
        case GatewayError() if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            text = str(error) if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else error.public
            return error.status, text[:1].upper() + text[1:], {}
    return 500, "The gateway could not answer this request; its log says why.", {}


def _route(method: str, path: str, handler: Next) -> web.RouteDef:
    return web.get(path, handler) if method == "GET" else web.post(path, handler)
