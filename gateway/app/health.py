"""The active health checks of the configuration in force: started with it, ended with it."""

import asyncio

from gateway.assembly import Assembled
from gateway.model import spawn
from gateway.upstream.health import HealthChecks


class Probes:
    """One task for each server that is checked."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def use(self, assembled: Assembled) -> None:
        """Check the servers of this configuration from now on."""
        self.stop()
        for name, config in assembled.config.upstreams.items():
            if config.health_check is None:
                continue
            checks = HealthChecks(
                name, config.health_check.path, config.health_check.interval, timeout=config.timeouts.connect
            )
            upstream = assembled.upstreams.by_name[name]
            self._tasks += [spawn(checks.watch(server), name=f"health of {name}") for server in upstream.servers]

    def stop(self) -> None:
        """End all checks."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
