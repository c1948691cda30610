"""What a route knows of the protocol in whose calls its credential comes."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.authn.sources import BodySource, RpcCall
from gateway.broker.rpc_logins import RpcLogins
from gateway.model import Reply


@dataclass(frozen=True, slots=True)
class RpcSurface:
    """One protocol, and who checks the passwords of its calls."""

    source: BodySource
    logins: RpcLogins
    deny: Callable[[RpcCall], Reply]
    """How Odoo answers a login with a wrong password: not with an error."""
