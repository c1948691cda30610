"""Answers of the admin listener: JSON, never cached, without a word about the software behind them."""

import json
import math
from dataclasses import asdict, is_dataclass
from typing import Any

from aiohttp import web

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Plain(web.Response):
    """A response without aiohttp's `Server` banner, errors of its HTTP parser included."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


def page(body: bytes, content_type: str) -> Plain:
    """A page in a content type of its own."""
    return Plain(body=body, headers={**_HEADERS, "Content-Type": content_type})


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Plain:
    """A JSON value; dataclasses become objects."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), default=str)
    return Plain(
        body=text.encode() + b"\n",
        status=status,
        headers={**_HEADERS, **(headers or {}), "Content-Type": "application/json"},
    )


def refusal(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> Plain:
    """An error in the shape of RFC 6750, section 3: a code for programs, a sentence for people."""
    return reply({"error": code, "error_description": description}, status, headers)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no infinity
    return value
