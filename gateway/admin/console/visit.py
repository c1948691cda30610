"""One request of an operator who is signed in, and how it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.admin.console.forms import Form
from gateway.admin.console.pages import Pages
from gateway.admin.console.sign_ins import Notice, SignIn
from gateway.admin.replies import Plain


@dataclass(frozen=True, slots=True)
class Mistake:
    """A form that was not carried out: why, and what had been typed."""

    form: str = ""
    """Which one of the page; empty where there was no mistake."""
    text: str = ""
    typed: Form = field(default_factory=lambda: Form({}))


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page's function is handed."""

    request: web.Request
    sign_in: SignIn
    form: Form
    """Empty for GET."""
    pages: Pages

    def query(self, name: str) -> str:
        """A parameter of the address, without white space around it; empty where there is none."""
        return self.request.query.get(name, "").strip()

    def show(self, name: str, *, status: int = 200, **values: Any) -> Plain:
        """A page."""
        return self.pages.show(name, self.sign_in, status=status, **values)

    def done(self, place: str, text: str, *lines: str, failed: bool = False) -> Plain:
        """Lead to a page that tells what was done: loading that one again does nothing twice."""
        self.sign_in.notices.append(Notice(text, lines, failed))
        return self.pages.lead(place)


Page = Callable[[Visit], Awaitable[Plain]]
