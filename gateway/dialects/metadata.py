"""Authorization server metadata (RFC 8414) and the JWKS endpoint (RFC 7517): what clients discover."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.dialects.replies import json_reply
from gateway.model import Call, Handler, Headers, Reply

JWKS_PATH: Final = "/.well-known/jwks.json"
CACHED: Final[Headers] = ((b"Cache-Control", b"public, max-age=300"),)
"""What is public may be kept for five minutes: that is how long a new key is unknown at most."""
_CLIENT_AUTHENTICATION: Final = ["client_secret_basic", "client_secret_post"]


def metadata(issuer: str, grants: Sequence[str], scopes: Sequence[str]) -> dict[str, Any]:
    """The metadata of an oauth2 login, which has no authorization endpoint."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "grant_types_supported": list(grants),
        # REQUIRED (section 2), and arrays without elements MUST be left out (section 3.2): so the registered type that
        # returns nothing.
        "response_types_supported": ["none"],
        "token_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
        "introspection_endpoint_auth_methods_supported": _CLIENT_AUTHENTICATION,
        **({"scopes_supported": list(scopes)} if scopes else {}),
    }


def metadata_path(login_path: str) -> str:
    """For issuer `https://host/oauth2`: `/.well-known/oauth-authorization-server/oauth2` (RFC 8414, section 3.1)."""
    return "/.well-known/oauth-authorization-server" + login_path.rstrip("/")


def jwks_endpoint(jwks: Mapping[str, Any]) -> Handler:
    """The handler that answers a key set (RFC 7517, section 5)."""
    reply = json_reply(200, jwks, CACHED)

    async def answer(_: Call) -> Reply:
        return reply

    return answer
