"""JSON replies of the endpoints, the gateway's own refusals among them (RFC 6749, 5.1 and 5.2; RFC 6750, 3)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from gateway.errors import GatewayError, MalformedBody
from gateway.model import Call, Handler, Headers, Reply

_JSON: Final = (b"Content-Type", b"application/json")
NO_STORE: Final[Headers] = ((b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
"""Nothing of what a login answers may be kept by a cache (RFC 6749, section 5.1)."""


def json_reply(status: int, value: Any, headers: Headers = NO_STORE) -> Reply:
    """A reply in compact JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return Reply(status, body, (_JSON, *headers))


def refusal(error: GatewayError, request_id: str = "") -> Reply:
    """`{"error","error_description","request_id"}` with the headers that belong to the failure."""
    told = error.explanation if isinstance(error, MalformedBody) else error.public
    members = {"error": error.code, "error_description": told}
    if request_id:
        members["request_id"] = request_id
    return json_reply(error.status, members, (*NO_STORE, *challenge(error), *what_to_do(error)))


def challenge(error: GatewayError) -> Headers:
    """WWW-Authenticate, where the failure has one (RFC 6750, section 3)."""
    return ((b"WWW-Authenticate", error.challenge.encode()),) if error.challenge else ()


def what_to_do(error: GatewayError) -> Headers:
    """When to come back, and with which methods (RFC 9110, sections 10.2.3 and 10.2.1)."""
    retry = ((b"Retry-After", str(error.retry_after).encode()),) if error.retry_after else ()
    return (*retry, (b"Allow", ", ".join(error.allow).encode())) if error.allow else retry


def with_trailing_slash(endpoints: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """The endpoints, each also with a slash at its end: some ERPs' routers make no difference."""
    return {(method, suffix + end): handler for (method, suffix), handler in endpoints.items() for end in ("", "/")}


def spelled(handler: Handler, refuse: Callable[[GatewayError, bytes | None, str], Reply]) -> Handler:
    """The handler, with its failures answered in the dialect's way."""

    async def answer(call: Call) -> Reply:
        try:
            return await handler(call)
        except GatewayError as error:
            return traced(refuse(error, call.body, call.request_id), error)

    return answer


def traced(reply: Reply, error: GatewayError) -> Reply:
    """The reply that spells this error, with what the log should say of it."""
    return replace(reply, failure=str(error)) if error.status >= 500 else reply
