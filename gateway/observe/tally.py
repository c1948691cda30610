"""Counts what the audit log tells, so that a figure and its line can never disagree."""

from collections.abc import Callable

from gateway.observe.metrics import Metrics

Audit = Callable[..., None]


class Tally:
    """An audit log that also counts: logins, bans, refreshes and sessions that were ended before their time."""

    __slots__ = ("_audit", "_metrics")

    def __init__(self, audit: Audit, metrics: Metrics) -> None:
        self._audit = audit
        self._metrics = metrics

    def __call__(self, event: str, /, **fields: object) -> None:
        """Count the event where there is a figure for it, and pass it on."""
        match event:
            case "login" | "refresh":
                name = "logins_total" if event == "login" else "refreshes_total"
                self._metrics.count(name, str(fields.get("login", "")), str(fields.get("result", "")))
            case "banned":
                self._metrics.count("bans_total", str(fields.get("scope", "")))
            case "logout":
                self._metrics.count("sessions_revoked_total", "logout")
            case "session_revoked" | "sessions_ended" if fields.get("ended", True):
                # A user's or a tenant's sessions, ended by one mark, are one revocation: nobody lists them.
                self._metrics.count("sessions_revoked_total", str(fields.get("cause", "all ended by user")))
        self._audit(event, **fields)
