"""HTML from templates: compiled once, everything escaped, a value that is missing is an error."""

import time
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway import __version__
from gateway.admin.console.sign_ins import SignIn
from gateway.admin.replies import Plain

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
"""Content-Security-Policy: no script at all, no frame, no form that leads elsewhere."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Nothing leaves this origin. `no-referrer` would also blank the Origin of our own forms (Fetch, section 3.1), which
    # is all that tells them from another site's where a browser sends no Sec-Fetch-Site: over plain HTTP.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    """Turns a template and its values into an answer."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("gateway.admin.console"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"moment": moment, "listed": listed}
        self._templates = {name: self._environment.get_template(name) for name in self._environment.list_templates()}
        style = files("gateway.admin.console") / "static" / "console.css"
        self._style = style.read_bytes()

    def show(self, name: str, sign_in: SignIn | None = None, *, status: int = 200, **values: Any) -> Plain:
        """The page; one that has to do with an action tells what became of the last."""
        notices = sign_in.take_notices() if sign_in is not None else []
        text = self._templates[name].render(
            **values,
            page=name.removesuffix(".html"),
            signed_in=sign_in is not None,
            form_token=sign_in.form_token if sign_in is not None else "",
            notices=notices,
            version=__version__,
        )
        return self._answer(text.encode(), "text/html; charset=utf-8", status)

    def style(self) -> Plain:
        """The one style sheet."""
        return self._answer(self._style, "text/css; charset=utf-8")

    def lead(self, place: str) -> Plain:
        """Elsewhere, by GET (RFC 9110, section 15.4.4)."""
        return Plain(status=303, headers={**_HEADERS, "Location": place})

    def _answer(self, body: bytes, content_type: str, status: int = 200) -> Plain:
        return Plain(body=body, status=status, headers={**_HEADERS, "Content-Type": content_type})


def moment(seconds: float | None) -> str:
    """Seconds since the epoch, for a person; None is never."""
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def listed(values: Iterable[str], nothing: str = "-") -> str:
    """Several names in one cell."""
    return ", ".join(values) or nothing
