"""The data path as the admin listener sees it, where several workers serve."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.admin.control import Health, RestartReport
from gateway.app.child import WorkerFailed
from gateway.app.control import LocalControl
from gateway.reload import ReloadReport

if TYPE_CHECKING:
    from gateway.app.supervisor import Supervisor


class CrewControl(LocalControl):
    """Sessions, revocation and explanations are the supervisor's own; what concerns clients is asked of the workers."""

    def __init__(self, supervisor: "Supervisor") -> None:
        super().__init__(supervisor)
        self._supervisor = supervisor

    async def health(self) -> Health:
        """As the workers told last; the store as the supervisor sees it."""
        supervisor = self._supervisor
        children = supervisor.crew.serving if supervisor.crew is not None else []
        servers: dict[tuple[str, str], bool] = {}
        for child in children:
            for (upstream, server), up in child.figures.get("upstream_up", ()):
                servers[upstream, server] = bool(up) and servers.get((upstream, server), True)
        names = [upstream.name for upstream in supervisor.service.current.rules.upstreams]
        return Health(
            store_up=supervisor.service.state.feed.store_answers,
            draining=supervisor.stopping.is_set(),
            listening=supervisor.is_listening,
            config_stale=supervisor.reloader.is_stale,
            upstreams={name: _count(up for (of, _), up in servers.items() if of == name) for name in names},
        )

    async def reload(self) -> ReloadReport:
        """Load the file again; returns when all workers have taken it."""
        report = await super().reload()
        if not report.accepted or self._supervisor.handed_out is None:
            return report
        return replace(report, problems=tuple(await self._supervisor.handed_out))

    async def restart(self) -> RestartReport:
        """One worker after the other."""
        supervisor = self._supervisor
        try:
            await supervisor.restart()
        except WorkerFailed as error:
            problem = f"a worker does not start: {error}"
            return RestartReport(done=False, workers=supervisor.workers, problem=problem)
        return RestartReport(done=True, workers=supervisor.workers)


def _count(servers: Iterable[bool]) -> tuple[int, int]:
    """How many are up, and how many there are."""
    states = list(servers)
    return sum(states), len(states)
