"""Several workers behind one socket: holds it, the embedded store and the admin listener, and serves no client."""

import asyncio
import socket

from gateway import __version__
from gateway.app.child import WorkerFailed
from gateway.app.control import LocalControl
from gateway.app.crew import Crew
from gateway.app.crew_control import CrewControl
from gateway.app.drain import AT_ONCE, Drain
from gateway.app.handover import Handover, pack
from gateway.app.ledger import Ledger
from gateway.app.listen import BACKLOG
from gateway.app.process import Process
from gateway.app.source import Source
from gateway.assembly import Assembled
from gateway.config.document import Loaded
from gateway.identity_providers.passwords import threads_for
from gateway.model import spawn
from gateway.observe.metrics import Snapshot


class CannotServe(OSError):
    """No worker can be started; the text is what the last one said."""


class Supervisor(Process):
    """The socket outlives each worker, so that nobody who waits to be served is turned away when one ends."""

    crew: Crew | None = None
    _sock: socket.socket

    def __init__(self, source: Source, loaded: Loaded, workers: int) -> None:
        super().__init__(source, loaded)
        self.workers = workers
        self.ledger = Ledger()
        self.handed_out: asyncio.Task[list[str]] | None = None
        """The last reload on its way to the workers."""

    @property
    def is_listening(self) -> bool:
        """Some worker accepts connections."""
        return self.crew is not None and self.crew.is_open and bool(self.crew.serving)

    def control(self) -> LocalControl:
        """What the admin listener asks: of all workers together."""
        return CrewControl(self)

    async def open(self, sock: socket.socket) -> None:
        """Start all workers. Raises CannotServe."""
        self._sock = sock
        metrics = self.service.metrics
        self.crew = crew = Crew(self.workers, sock, self._handover, metrics)
        crew.keep = self.ledger.keep
        for post in crew.posts:
            metrics.count("worker_restarts_total", str(post.number), by=0)
        metrics.watch("worker_up", self._workers_up)
        starting = spawn(crew.start(lambda: sock.listen(BACKLOG)), name="start of all workers")
        stopping = spawn(self.stopping.wait(), name="stop while starting")
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            return
        try:
            starting.result()
        except WorkerFailed as error:
            await crew.stop(AT_ONCE)
            raise CannotServe(f"no worker can be started: {error}") from error

    def swap(self, built: Assembled) -> None:
        """Ours first, which judges `gateway explain`; then the workers', all at once."""
        super().swap(built)
        if self.crew is not None:
            self.handed_out = spawn(
                self.crew.reload(pack((built.loaded, self.service.certificate))), name="reload of all workers"
            )

    async def drain(self, limit: float) -> None:
        """All workers at once; the store is still there for them, and who waits in a socket of ours is served."""
        self._sock.close()  # the last worker that closes its own ends the listening
        if self.crew is not None:
            await self.crew.stop(Drain(limit, take_queued=self.holds_socket))

    def cut(self) -> None:
        """End every connection of every worker."""
        if self.crew is not None:
            self.crew.cut()

    async def figures(self) -> Snapshot:
        """What all of them counted, ever."""
        living = await self.crew.figures() if self.crew is not None else []
        return self.ledger.total([self.service.metrics.snapshot(), *living])

    async def restart(self) -> None:
        """Replace all workers, one after the other. Raises WorkerFailed."""
        assert self.crew is not None
        await self.crew.restart(Drain(self.service.current.config.server.timeouts.drain))

    def _handover(self, number: int, slot: int) -> str:
        return pack(
            Handover(
                version=__version__,
                worker=number,
                slot=slot,
                started=self.loaded,
                loaded=self.service.current.loaded,
                certificate=self.service.certificate,
                store_url=self.state.embedded.url if self.state.embedded is not None else "",
                password_threads=threads_for(self.workers),
            )
        )

    def _workers_up(self) -> dict[tuple[str, ...], float]:
        serving = {child.number for child in self.crew.serving} if self.crew is not None else set()
        return {(str(number),): float(number in serving) for number in range(1, self.workers + 1)}
