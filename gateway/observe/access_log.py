"""The access log: one JSON line per exchange, built by hand because json.dumps costs five times as much."""

import asyncio
import json
import time
from collections.abc import Callable

from gateway.model import Clock

FLUSH_SECONDS = 0.1
FLUSH_LINES = 256
"""About 64 KiB."""
FRAMES = 4096
MAX_REASON = 200
"""Characters of it in a line; what an upstream said may be part of it."""
"""How many ready-made line parts are kept: more than routes times methods times statuses in use."""
MALFORMED_LINES_PER_SECOND = 1.0
MALFORMED_BURST = 10.0

Write = Callable[[bytes], None]
Later = Callable[[float, Callable[[], None]], object]

_PLAIN = bytes(code for code in range(0x20, 0x7F) if code not in b'"\\')
_FRACTIONS = tuple(f".{thousandth:03d}" for thousandth in range(1000))


def _on_the_loop(seconds: float, work: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(seconds, work)


class AccessLog:
    """Lines are collected and written in batches, 100 ms after the first or about 64 KiB long.

    Nothing secret is handed in: a path without its query, a user's name, never a token, cookie or password.
    """

    __slots__ = (
        "_allowance",
        "_clock",
        "_frames",
        "_later",
        "_lines",
        "_refilled",
        "_since",
        "_stamp",
        "_until",
        "_write",
    )

    def __init__(self, write: Write, clock: Clock, later: Later = _on_the_loop) -> None:
        self._write = write
        self._clock = clock
        self._later = later
        self._lines: list[str] = []
        self._frames: dict[tuple[str, str, int, str, str, str], tuple[str, str, str, str]] = {}
        self._since = self._until = 0.0  # the millisecond that the stamp says
        self._stamp = ""
        self._allowance = MALFORMED_BURST
        self._refilled = 0.0

    def record(  # noqa: PLR0913, PLR0917 - one call per exchange: an object to carry the fields would cost more
        self,
        request_id: str,
        method: str,
        path: str,
        route: str,
        status: int,
        duration: float,
        upstream: str,
        upstream_duration: float,
        body_bytes: int,
        user: str,
        auth_method: str,
        login: str,
        client: str = "",
        broken: str = "",
        error: str = "",
    ) -> None:
        """Write down one exchange, in 1.2 µs. Durations in seconds; `upstream` is empty where none was asked.

        `broken`: why the answer did not reach its end; `error`: why the gateway answered that something is wrong here.
        """
        frame = self._frames.get((method, route, status, upstream, auth_method, login))
        before_path, after_path, between, end = frame or self._frame(
            method, route, status, upstream, auth_method, login
        )
        if f"{request_id}{client}{path}{user}".encode("utf-8", "surrogatepass").translate(None, _PLAIN):
            request_id, client, path, user = map(_escape, (request_id, client, path, user))
        if not self._since <= self._clock() < self._until:
            self._tick()
        if broken or error:
            why, text = ("broken", broken) if broken else ("error", error)
            end = f'{end[:-2]},"{why}":"{_escape(text[:MAX_REASON])}"}}\n'
        whole = int(duration * 1e6)  # microseconds by hand: two %.3f cost 150 ns more
        asked = int(upstream_duration * 1e6)
        lines = self._lines
        lines.append(
            f'{self._stamp}"request_id":"{request_id}","client":"{client}{before_path}{path}{after_path}'
            f"{whole // 1000}{_FRACTIONS[whole % 1000]}{between}{asked // 1000}{_FRACTIONS[asked % 1000]},"
            f'"bytes":{body_bytes},"user":"{user}{end}'
        )
        if (count := len(lines)) == 1:
            self._later(FLUSH_SECONDS, self.flush)
        elif count >= FLUSH_LINES:
            self.flush()

    def malformed(self, client: str, reason: str, status: int = 0) -> bool:
        """One line for bytes that are not HTTP, at most one a second after a burst of ten; False if it was withheld.

        `status` is what they were answered with; 0: with nothing.
        `reason` is ours, never what the client sent: a flood of garbage must not become a flood of logs.
        """
        now = self._clock()
        elapsed = max(0.0, now - self._refilled)
        self._allowance = min(MALFORMED_BURST, self._allowance + elapsed * MALFORMED_LINES_PER_SECOND)
        self._refilled = now
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        self._tick()
        answered = {"status": status} if status else {}
        fields = {"event": "malformed_request", "client": client, **answered, "reason": reason}
        line = json.dumps(fields, separators=(",", ":"))
        if not self._lines:
            self._later(FLUSH_SECONDS, self.flush)
        self._lines.append(f"{self._stamp}{line[1:]}\n")
        return True

    def flush(self) -> None:
        """Hand the collected lines to the writer; at exit, too."""
        if self._lines:
            batch = "".join(self._lines)
            self._lines.clear()
            self._write(batch.encode())

    def _frame(
        self, method: str, route: str, status: int, upstream: str, auth_method: str, login: str
    ) -> tuple[str, str, str, str]:
        frame = (
            f'","method":"{_escape(method)}","path":"',
            f'","route":"{_escape(route)}","status":{status},"duration_ms":',
            f',"upstream":"{_escape(upstream)}","upstream_ms":',
            f'","auth_method":"{_escape(auth_method)}","login":"{_escape(login)}"}}\n',
        )
        if len(self._frames) >= FRAMES:
            self._frames.clear()
        self._frames[method, route, status, upstream, auth_method, login] = frame
        return frame

    def _tick(self) -> None:
        seconds, milliseconds = divmod(milli := int(self._clock() * 1000), 1000)
        self._since = milli / 1000
        self._until = (milli + 1) / 1000
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        self._stamp = f'{{"ts":"{moment}{_FRACTIONS[milliseconds]}Z",'


def _escape(text: str) -> str:
    return json.dumps(text)[1:-1]
