"""Reads the bodies and queries of the auth endpoints as Jackson and JAX-RS do: scalars become text, the rest is 400."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.dialects.idempiere.selection import Parameters
from gateway.dialects.requests import MAX_NAME, MAX_SECRET, parse_form, read_json
from gateway.errors import MalformedBody, NotFound
from gateway.model import Call

_PARAMETERS: Final = {
    "clientId": "client",
    "roleId": "role",
    "organizationId": "organization",
    "warehouseId": "warehouse",
    "language": "language",
}
_INT: Final = re.compile(r"[+-]?[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a login sends."""

    username: str
    password: str = field(repr=False)
    parameters: Parameters | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh sends; None for an id that was left out."""

    token: str = field(repr=False)
    client_id: int | None
    user_id: int | None


def read_credential(call: Call) -> Credential:
    """The body of a login. Raises MalformedBody, UnsupportedMediaType."""
    members = _members(read_json(call), {"userName", "password", "parameters"})
    parameters = members.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise MalformedBody("The parameters are not a JSON object.")
    return Credential(
        _text(members, "userName", MAX_NAME),
        _text(members, "password", MAX_SECRET),
        None if parameters is None else _parameters(parameters),
    )


def read_parameters(call: Call) -> Parameters:
    """The body of a login's last step. Raises MalformedBody, UnsupportedMediaType."""
    return _parameters(read_json(call))


def read_refresh(call: Call) -> Refresh:
    """The body of a refresh. Raises MalformedBody, UnsupportedMediaType."""
    members = _members(read_json(call), {"refresh_token", "clientId", "userId"})
    return Refresh(_text(members, "refresh_token", MAX_SECRET), _int(members, "clientId"), _int(members, "userId"))


def read_logout(call: Call) -> str:
    """The token to log out; empty where it was left out. Raises MalformedBody, UnsupportedMediaType."""
    return _text(_members(read_json(call), {"token"}), "token", MAX_SECRET)


def read_query(call: Call, *names: str) -> tuple[int, ...]:
    """Numbers of the query; one that was left out is 0. Raises NotFound for what is no number, MalformedBody."""
    query = parse_form(call.query.encode("utf-8", "replace"))
    values = [query.get(name, "0") for name in names]
    if not all(_INT.fullmatch(value) for value in values):
        raise NotFound("a selection parameter is no number")
    return tuple(int(value) for value in values)


def _parameters(members: Mapping[str, Any]) -> Parameters:
    _members(members, _PARAMETERS.keys())
    return Parameters(**{ours: _text(members, theirs, MAX_NAME).strip() for theirs, ours in _PARAMETERS.items()})


def _members(members: Mapping[str, Any], known: Any) -> Mapping[str, Any]:
    if members.keys() - known:
        raise MalformedBody("The JSON object has a member that is not known here.")
    return members


def _text(members: Mapping[str, Any], name: str, limit: int) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise MalformedBody(f"The {name} is not a string.")
    told = value if isinstance(value, str) else str(value)
    if len(told) > limit or "\0" in told or any("\ud800" <= char <= "\udfff" for char in told):
        raise MalformedBody(f"The {name} is too long or no text.")
    return told


def _int(members: Mapping[str, Any], name: str) -> int | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if type(value) is int:
        return value
    if not isinstance(value, str) or not _INT.fullmatch(value.strip()):
        raise MalformedBody(f"The {name} is not a number.")
    return int(value)
