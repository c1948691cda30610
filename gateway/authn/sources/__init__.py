"""Where a request may carry a credential, and how it is read. A new one is one file and one line here."""

from gateway.authn.sources.access_token import AccessToken
from gateway.authn.sources.api_key import ApiKey
from gateway.authn.sources.base import Presented, Source
from gateway.authn.sources.bearer import Bearer
from gateway.authn.sources.cookie import Cookie
from gateway.authn.sources.jsonrpc import JsonRpc
from gateway.authn.sources.rpc import BodySource, RpcCall
from gateway.authn.sources.xmlrpc import XmlRpc

__all__ = ["BODY_SOURCES", "SOURCES", "BodySource", "Presented", "RpcCall", "Source"]

SOURCES: dict[str, Source] = {
    "bearer": Bearer(),
    "api_key": ApiKey(),
    "access_token": AccessToken(),
    "cookie": Cookie(),
}
"""By the name that a route's `credentials` uses."""

BODY_SOURCES: dict[str, BodySource] = {"jsonrpc": JsonRpc(), "xmlrpc": XmlRpc()}
"""The same of those for which the whole body has to be read first."""
