"""Counts what a gateway sends to Redis, command by command, and what Redis makes of it."""

from collections import Counter
from dataclasses import dataclass

import hiredis
from chaos.rig_relay import Relay
from redis import Redis

from gateway.state.subscription import BEAT_SCRIPTS

IN_THE_BACKGROUND = {
    "PUBLISH",
    "PING",
    "SUBSCRIBE",
    "INFO",
    "CONFIG",
    "SCRIPT",
    "HELLO",
    "CLIENT",
    "AUTH",
    "SELECT",
    "ROLE",
}
"""The heartbeat, and what belongs to connections: no part of what a login or a request costs."""
_HEARTBEATS = {script.sha for script in BEAT_SCRIPTS}


@dataclass(frozen=True)
class Cost:
    """What one operation came to, on average."""

    sent: dict[str, float]
    in_scripts: float
    """Commands that scripts ran, inside of Redis."""
    bytes_in: float
    bytes_out: float
    redis_us: float
    """CPU time of Redis, heartbeats included; it is small beside it where operations are many."""

    def __str__(self):
        return ", ".join(f"{number:g} {name}" for name, number in sorted(self.sent.items())) or "none"


class Tap(Relay):
    """A relay that reads along."""

    def __init__(self, port):
        super().__init__(port)
        self._admin = Redis(port=port)
        self._readers = {}
        self.sent = Counter()
        self.bytes_in = self.bytes_out = 0

    def passed(self, way, data, *, to_store):
        if not to_store:
            self.bytes_out += 0 if way.is_feed else len(data)
            return
        reader = self._readers.setdefault(way, hiredis.Reader())
        reader.feed(data)
        while (command := reader.gets()) is not False:
            name = command[0].decode().upper()
            if name == "EVALSHA" and command[1].decode() in _HEARTBEATS:
                name = "PUBLISH"
            self.sent[name] += 1
            if name not in IN_THE_BACKGROUND:
                self.bytes_in += len(hiredis.pack_command(tuple(command)))

    async def cost(self, operation, times):
        """Run `operation(number)` so many times, one after the other, and divide."""
        self.sent.clear()
        self.bytes_in = self.bytes_out = 0
        cpu, ran = self._cpu(), self._ran()
        for number in range(times):
            await operation(number)
        cpu, ran = self._cpu() - cpu, self._ran() - ran
        sent = {name: count for name, count in self.sent.items() if name not in IN_THE_BACKGROUND}
        return Cost(
            sent={name: count / times for name, count in sent.items()},
            in_scripts=(ran - sum(sent.values()) + sent.get("EVALSHA", 0)) / times,
            bytes_in=self.bytes_in / times,
            bytes_out=self.bytes_out / times,
            redis_us=cpu / times * 1e6,
        )

    def _ran(self):
        stats = self._admin.info("commandstats")
        mine = {name.removeprefix("cmdstat_").split("|")[0].upper(): each["calls"] for name, each in stats.items()}
        return sum(calls for name, calls in mine.items() if name not in IN_THE_BACKGROUND | {"EVALSHA"})

    def _cpu(self):
        times = self._admin.info("cpu")
        return times["used_cpu_user_main_thread"] + times["used_cpu_sys_main_thread"]
