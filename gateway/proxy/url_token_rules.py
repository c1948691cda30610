"""What `?access_token=` means on a route: a credential, something to cut, or a parameter of the ERP's own."""

from collections.abc import Callable
from typing import Protocol

from gateway.authn.sources.base import Presented
from gateway.errors import Reason, SeveralCredentials
from gateway.proxy import url_token
from gateway.proxy.forwarding import ForwardedExchange
from gateway.proxy.route import Route


class Asking(Presented, Protocol):
    """What of a request these rules read and change."""

    query: bytes
    referer: bytes | None


def read_url_token(exchange: Asking, route: Route) -> None:
    """Set `exchange.url_token`, cut ours out of query and Referer. Raises SeveralCredentials or CredentialsRejected.

    RFC 6750 section 2.3. A foreign value stays where the route does not read the parameter (Odoo has one of its own),
    but what an ERP believes before the session that is injected there comes from no client.
    """
    is_ours = route.authenticator.is_ours
    if exchange.referer is not None:
        exchange.referer = url_token.cut_from_referer(exchange.referer, is_ours)
    query = exchange.query
    if not query or not url_token.may_carry(query):
        return
    found = url_token.values(query)
    if found and _counts(exchange, route):
        exchange.url_token = _credential(found, route, is_ours)
    query = url_token.cut(query, is_ours)
    erp = route.upstream.erp
    exchange.query = query if erp is None else url_token.cut(query, _whatever_it_is, erp.owns_cookies)


async def read_form_token(exchange: ForwardedExchange, route: Route) -> None:
    """The same for an urlencoded form of at most 64 KiB, whose other bytes are forwarded as they came."""
    form = await exchange.collect_body(url_token.MAX_FORM)
    is_ours = route.authenticator.is_ours
    found = url_token.values(form)
    if found:
        if exchange.url_token is not None:
            raise SeveralCredentials("access_token in the query and in the form")
        if not route.authenticator.outranks_url_token(exchange):
            exchange.url_token = _credential(found, route, is_ours)
        form = url_token.cut(form, is_ours, (url_token.NAME,))
    exchange.replace_body(form)


def _whatever_it_is(_: bytes) -> bool:
    return True


def _counts(exchange: Asking, route: Route) -> bool:
    """Whether the parameter of a query is a credential on this route."""
    authenticator, methods = route.authenticator, route.url_token_methods
    if route.public or not authenticator.takes_url_tokens or (methods is not None and exchange.method not in methods):
        return False
    return not authenticator.outranks_url_token(exchange)


def _credential(found: list[bytes], route: Route, is_ours: Callable[[bytes], bool]) -> bytes | None:
    if len(found) > 1:
        raise SeveralCredentials("access_token stands there twice")
    if is_ours(found[0]):
        return found[0]
    if route.foreign_url_tokens_pass:
        return None
    raise route.authenticator.rejected("an access_token that is not ours", Reason.MALFORMED, found[0])
