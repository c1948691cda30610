"""The names, labels and meaning of every metric: the table that counting, merging and rendering all read."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a family is counted, and how the figures of several workers become one."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    TOTAL = "total"
    """A gauge that is added up over workers: connections."""
    WORST = "worst"
    """A gauge of which the least value counts: something is up only if every worker finds it up."""
    LATEST = "latest"
    """A gauge of which the greatest value counts: a moment in time."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Its full name is `gateway_` and the key it has in `FAMILIES`."""

    kind: Kind
    labels: tuple[str, ...]
    help: str


FAMILIES: dict[str, Family] = {
    "requests_total": Family(Kind.COUNTER, ("route", "method", "code"), "Exchanges by the route's name and status."),
    "request_duration_seconds": Family(
        Kind.HISTOGRAM, ("route",), "From the first byte of a request to the last byte of its answer."
    ),
    "upstream_request_duration_seconds": Family(
        Kind.HISTOGRAM, ("upstream",), "From the request's head sent upstream to the last byte of the answer."
    ),
    "upstream_up": Family(Kind.WORST, ("upstream", "server"), "1 while a server of an upstream takes requests."),
    "auth_total": Family(Kind.COUNTER, ("method", "result"), "Judged credentials, by source and outcome."),
    "logins_total": Family(Kind.COUNTER, ("login", "result"), "Attempts to log in."),
    "bans_total": Family(Kind.COUNTER, ("scope",), "Bans: of an account from one address, or of an address."),
    "refreshes_total": Family(Kind.COUNTER, ("login", "result"), "Refreshes: rotated, replayed, reused, …"),
    "sessions_revoked_total": Family(Kind.COUNTER, ("cause",), "Sessions ended before their time."),
    "store_up": Family(Kind.WORST, (), "1 while the token store answers."),
    "store_errors_total": Family(Kind.COUNTER, (), "Calls to the token store that failed or were too late."),
    "feed_up": Family(Kind.WORST, (), "1 while revocations are known to arrive and verified tokens may be remembered."),
    "unconfirmed_requests_total": Family(
        Kind.COUNTER, (), "Requests let in by a token that the store could not be asked about (verify_signed)."
    ),
    "config_reloads_total": Family(Kind.COUNTER, ("result",), "Reloads of the configuration: success or failure."),
    "config_last_reload_success": Family(Kind.WORST, (), "1 if the last reload was accepted, 0 if the old one stays."),
    "config_last_reload_success_timestamp_seconds": Family(
        Kind.LATEST, (), "When the configuration in force was loaded, in seconds since the epoch."
    ),
    "worker_up": Family(Kind.TOTAL, ("worker",), "1 while this worker accepts connections."),
    "worker_connections": Family(Kind.TOTAL, ("worker",), "Open connections of clients, by worker."),
    "worker_memory_bytes": Family(Kind.TOTAL, ("worker",), "Memory that is in use, by worker."),
    "worker_cpu_seconds_total": Family(Kind.COUNTER, ("worker",), "CPU time, by worker."),
    "worker_restarts_total": Family(Kind.COUNTER, ("worker",), "Workers that ended by themselves and were replaced."),
    "connections": Family(Kind.TOTAL, (), "Open connections of clients."),
    "requests_in_flight": Family(Kind.TOTAL, (), "Exchanges that are not over yet."),
    "verified_tokens": Family(Kind.TOTAL, (), "Tokens remembered as verified."),
    "malformed_requests_total": Family(Kind.COUNTER, (), "Requests refused because they are not valid HTTP."),
    "log_lines_dropped_total": Family(Kind.COUNTER, ("stream",), "Log lines thrown away because nobody read them."),
}
