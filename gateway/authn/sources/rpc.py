"""The seam of credential sources in a body: an Odoo RPC names the user and carries the password in every call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from gateway.errors import BodyTooLarge, Forbidden, LoginRejected, MalformedBody

_LOGINS: Final = frozenset({"login", "authenticate"})
_EXECUTES: Final = frozenset({"execute", "execute_kw"})
_CREDENTIAL: Final = 3
"""Arguments that say who calls: database, login or uid, password or API key."""
_LONGEST_NAME: Final = 256
_LONGEST_SECRET: Final = 8192
"""Characters, as at every login: comparing a name may cost the square of its length (NFKC sorts marks)."""
MOST_PARTS: Final = 1_000_000
"""Of a body: a call of 16 MiB is a file in one string, and millions of empty lists are nobody's call."""


@dataclass(frozen=True, slots=True)
class RpcCall:
    """Whom a call is made for. Its repr shows no password."""

    id: Any = field(default=None, repr=False)
    """Goes back with the answer, where the protocol has one."""
    database: str = ""
    who: str | int | None = None
    """A login, or the uid that an earlier login answered; None: nobody, for what Odoo tells everyone."""
    password: str = field(default="", repr=False)
    is_login: bool = False


class BodySource(Protocol):
    """Reads the credential out of a whole body; never judges it."""

    method: str
    """What `Identity.method` says of a credential that came this way."""
    paths: frozenset[bytes]
    """Where Odoo speaks this protocol; a body means nothing elsewhere."""

    def read(self, path: bytes, body: bytes) -> RpcCall:
        """The call in a body. Raises MalformedBody, BodyTooLarge; Forbidden for what is none of the calls that pass.

        LoginRejected for one that a failed login was followed by.
        """
        ...


def check_parts(body: bytes, marks: Sequence[bytes]) -> None:
    """Refuse what would take seconds and hundreds of megabytes to read, before anybody is known (CWE-770).

    `marks` begin or divide values; those inside of strings count as well. Raises BodyTooLarge.
    """
    if sum(map(body.count, marks)) > MOST_PARTS:
        raise BodyTooLarge("an RPC of too many values")


def rpc_call(service: object, method: object, args: Sequence[object], rpc_id: object = None) -> RpcCall:
    """Whom this call is for (odoo/service/common.py and model.py). Raises MalformedBody, Forbidden or LoginRejected."""
    if service == "common" and method == "version":
        return RpcCall(rpc_id)
    is_login = service == "common" and method in _LOGINS
    if not is_login and not (service == "object" and method in _EXECUTES):
        raise Forbidden("an RPC service or method that does not pass")
    if len(args) < _CREDENTIAL:
        raise MalformedBody("the call does not say who makes it")
    database, who, password = args[:_CREDENTIAL]
    if not _is_text(database) or not _is_text(password, _LONGEST_SECRET):
        raise MalformedBody("database or password is no text of a usual length")
    if not is_login and (who is False or who is None):  # what a failed login answered, and the client did not look at
        raise LoginRejected("a call of nobody")
    if not (_is_text(who) if is_login else _is_uid(who)):
        raise MalformedBody("the user is of another type, or has too long a name")
    assert isinstance(database, str)
    assert isinstance(who, str | int)
    assert isinstance(password, str)
    return RpcCall(rpc_id, database, who, password, is_login)


def _is_text(value: object, longest: int = _LONGEST_NAME) -> bool:
    if not isinstance(value, str) or len(value) > longest:
        return False
    # Half of a surrogate pair, which JSON can write, is no text that could be compared or stored.
    return value.isprintable() and value.encode(errors="replace").decode() == value


def _is_uid(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31
