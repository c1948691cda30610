"""What `?access_token=` means on a route: a credential, something to cut, or a parameter of the ERP's own."""

from collections.abc import Callable
from typing import Protocol

from gateway.errors import CredentialsRejected, SeveralCredentials
from gateway.proxy import url_token
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.route import Route


class Asking(Protocol):
    """What of a request these rules read and change."""

    method: str
    query: bytes
    referer: bytes | None
    url_token: bytes | None


def read_url_token(exchange: Asking, route: Route) -> None:
    """Set `exchange.url_token`, cut ours out of query and Referer. Raises SeveralCredentials or CredentialsRejected.

    RFC 6750 section 2.3. A foreign value stays where the route does not read the parameter (Odoo has one of its own).
    """
    is_ours = route.authenticator.is_ours
    if exchange.referer is not None:
        exchange.referer = url_token.cut_from_referer(exchange.referer, is_ours)
    query = exchange.query
    if not query or not url_token.may_carry(query):
        return
    found = url_token.values(query)
    if not found:
        return
    if route.authenticator.takes_url_tokens and exchange.method in route.url_token_methods and not route.public:
        exchange.url_token = _credential(found, route, is_ours)
    exchange.query = url_token.cut(query, is_ours)


async def read_form_token(exchange: ForwardedExchange, route: Route) -> None:
    """The same for an urlencoded form of at most 64 KiB, whose other bytes are forwarded as they came."""
    form = await exchange.collect_body(url_token.MAX_FORM)
    is_ours = route.authenticator.is_ours
    found = url_token.values(form)
    if found:
        if exchange.url_token is not None:
            raise SeveralCredentials("access_token in the query and in the form")
        exchange.url_token = _credential(found, route, is_ours)
        form = url_token.cut(form, is_ours)
    exchange.replace_body(form)


def _credential(found: list[bytes], route: Route, is_ours: Callable[[bytes], bool]) -> bytes | None:
    if len(found) > 1:
        raise SeveralCredentials("access_token stands there twice")
    if is_ours(found[0]):
        return found[0]
    if route.foreign_url_tokens_pass:
        return None
    raise CredentialsRejected("an access_token that is not ours")
