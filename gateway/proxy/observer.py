"""Observe, exactly once, whatever happened: counters and the access log line of every exchange."""

from time import perf_counter

from gateway.errors import (
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    GatewayError,
    InsufficientScope,
    SeveralCredentials,
    StoreUnavailable,
)
from gateway.observe.access_log import AccessLog
from gateway.observe.metrics import Metrics
from gateway.observe.redaction import redact
from gateway.proxy.exchange import Exchange


class Observer:
    """Where an exchange ends up."""

    def __init__(self, metrics: Metrics, access_log: AccessLog | None) -> None:
        self._metrics = metrics
        self._log = access_log
        self.refused_connections = 0

    def observe(self, exchange: Exchange) -> None:
        """Count and log. The path only: a query may hold a token."""
        metrics = self._metrics
        route = exchange.route
        name = route.name if route is not None else exchange.endpoint_login
        method = exchange.method
        status = exchange.status
        duration = perf_counter() - exchange.started
        key = (name, method, status)
        metrics.requests[key] = metrics.requests.get(key, 0) + 1
        metrics.duration.observe(name, duration)
        upstream = exchange.upstream_name
        if upstream:
            metrics.upstream_duration.observe(upstream, exchange.upstream_seconds)
        identity = exchange.verified.identity
        if route is not None:
            judged = (identity.method, "ok") if exchange.error is None else _failed(exchange, exchange.error)
            metrics.auth[judged] = metrics.auth.get(judged, 0) + 1
        if not method:
            metrics.count("malformed_requests_total")
        if self._log is not None:
            if not method:
                self._log.malformed(exchange.client.peer.address, str(exchange.error), status)
                return
            self._log.record(
                exchange.request_id_text,
                method,
                _told(exchange.path.decode("ascii") if exchange.path else _unjudged(exchange.target)),
                name,
                status,
                duration,
                upstream,
                exchange.upstream_seconds,
                exchange.bytes_sent,
                identity.user,
                identity.method,
                identity.login or exchange.endpoint_login,
                exchange.client.peer.client_address(exchange),
                exchange.cut_reason,
                "" if status < 500 or exchange.error is None else str(exchange.error),
            )

    def refused_connection(self, address: str) -> None:
        """A connection over a limit."""
        self.refused_connections += 1
        if self._log is not None:
            self._log.malformed(address, "too many connections")


_RESULTS = {
    CredentialsMissing: "missing",
    CredentialsRejected: "rejected",
    SeveralCredentials: "several",
    Forbidden: "forbidden",
    InsufficientScope: "forbidden",
    StoreUnavailable: "unknown",
}


def _failed(exchange: Exchange, error: GatewayError) -> tuple[str, str]:
    """How the credential was judged where the exchange failed; an upstream's fault says nothing against it."""
    result = _RESULTS.get(type(error))
    if result is None:
        return exchange.verified.identity.method, "ok"
    if exchange.url_token is not None:
        return "access_token", result
    if exchange.api_key is not None:
        return "api_key", result
    return ("bearer" if exchange.authorization is not None else "anonymous"), result


def _told(path: str) -> str:
    """A path that may hold a token, `/x.png%3Faccess_token=…` of a client that escaped too much, without it."""
    return redact(path) if "token" in path or "eyJ" in path or "gw" in path else path


def _unjudged(target: bytes) -> str:
    """What may be logged of a target that was refused: no query, no fragment, no authority."""
    path = target.partition(b"?")[0].partition(b"#")[0]
    return path.decode("latin-1") if path.startswith(b"/") else ""
