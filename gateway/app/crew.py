"""Keeps all workers running: starts them, replaces those that end, hands them new configurations, and ends them."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from gateway.app.backoff import Backoff
from gateway.app.child import Child, WorkerFailed
from gateway.app.drain import AT_ONCE, Drain
from gateway.app.slots import CLOSED, Slots
from gateway.model import spawn
from gateway.observe.metrics import Metrics, Snapshot

READY_SECONDS = 60.0
"""How long a worker may take to its first connection."""
LATECOMER_SECONDS = 5.0
HOPELESS = 5
"""Starts that fail in a row before the first worker ever served: then the gateway gives up."""
STUCK_TICKS = 30
TICK_SECONDS = 1.0
"""A worker tells its figures once a second. One that said nothing for so many ticks of ours is stuck, and killed;
ticks are counted rather than seconds, so that a machine that slept, or a supervisor that was late, kills nobody."""
END_SECONDS = 5.0
"""What a worker gets beyond its drain time before it is killed."""

Pack = Callable[[int, int], str]
"""Packs what the worker of this number starts from, with its slot."""

log = logging.getLogger("gateway.app")


class Crew:
    """The posts 1 to N, each with one worker that accepts connections; those that drain beside them."""

    def __init__(self, workers: int, sock: socket.socket, handover: Pack, metrics: Metrics) -> None:
        self.posts = [Post(number, self) for number in range(1, workers + 1)]
        self.children: set[Child] = set()
        self.metrics = metrics
        self.keep: Callable[[Snapshot], None] = lambda _: None
        """Called with the last figures of each worker that has ended."""
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises WorkerFailed once it is hopeless."""
        self.has_served = False
        """Some worker was once ready."""
        self.is_open = False
        """Workers accept connections as soon as they are ready."""
        self._sock = sock
        self._handover = handover
        # Workers that drain keep theirs for up to the drain time, through several restarts.
        self._slots = Slots.make(max(32, workers * 8))
        self._free = set(range(self._slots.count))
        self._tasks: list[asyncio.Task[None]] = []
        self._restarting = asyncio.Lock()
        self._stopping = False

    @property
    def serving(self) -> list[Child]:
        """Those that accept connections."""
        return [child for post in self.posts if (child := post.child) is not None and not child.leaving.is_set()]

    async def start(self, listen: Callable[[], None]) -> None:
        """Fill all posts, then `listen` and let all accept: who waits already is not left to the first that is ready.

        One that takes much longer than the others is not waited for. Raises WorkerFailed where none can be started.
        """
        self._tasks = [spawn(post.keep(), name=f"post {post.number}") for post in self.posts]
        self._tasks.append(spawn(self._watch(), name="stuck workers"))
        first = [spawn(post.filled.wait(), name=f"first worker {post.number}") for post in self.posts]
        try:
            await asyncio.wait((*first, self.failed), return_when=asyncio.FIRST_COMPLETED)
            if self.failed.done():
                self.failed.result()
            await asyncio.wait(first, timeout=LATECOMER_SECONDS)
        finally:
            for filled in first:
                filled.cancel()
        listen()
        self.is_open = True
        for child in self.serving:
            child.accept()

    async def launch(self, number: int) -> Child:
        """Start a worker and wait until it can accept connections. Raises WorkerFailed."""
        while not self._free:  # noqa: ASYNC110 - all taken by workers that drain: it hardly ever happens
            await asyncio.sleep(TICK_SECONDS)
        if self._stopping:
            raise WorkerFailed("the gateway is being stopped")
        slot = self._free.pop()
        child = Child(number, slot)
        self.children.add(child)
        try:
            await child.start(self._sock, self._slots, lambda: self._handover(number, slot), self._over)
        except BaseException as error:
            child.kill()
            child.ended.set()
            self._over(child)
            if isinstance(error, OSError):
                raise WorkerFailed(f"cannot be started: {error}") from error
            raise
        try:
            await asyncio.wait_for(asyncio.shield(child.ready), READY_SECONDS)
        except TimeoutError:
            child.kill()
            raise WorkerFailed(f"was not ready within {READY_SECONDS:g} s") from None
        self.has_served = True
        if self.is_open:
            child.accept()
        return child

    async def reload(self, loaded: str) -> list[str]:
        """Have every worker take this configuration; those that cannot are replaced. What went wrong, in words."""
        answers = await asyncio.gather(*(self._reload(child, loaded) for child in self.children if child.is_handed))
        return [problem for problem in answers if problem]

    async def _reload(self, child: Child, loaded: str) -> str:
        problem = await child.reload(loaded)
        if not problem or child.leaving.is_set():
            return ""
        said = f"worker {child.number} did not take the configuration and is replaced: {problem}"
        log.error("%s", said)
        child.kill()
        return said

    async def restart(self, how: Drain) -> None:
        """Replace one worker after the other; each drains once its successor accepts. Raises WorkerFailed."""
        async with self._restarting:
            for post in self.posts:
                await post.replace(how)

    async def figures(self) -> list[Snapshot]:
        """Of all that are alive, those that drain included."""
        await asyncio.gather(*(child.count() for child in self.children if child.has_started))
        # Whoever ended meanwhile has been kept, and must not be counted twice.
        return [child.figures for child in self.children if child.figures]

    async def stop(self, how: Drain) -> None:
        """Drain all and return when the last has ended; one that outlives its time is killed."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        children = list(self.children)
        for child in children:
            child.drain(how)
        await asyncio.gather(*(self.see_off(child, how) for child in children))
        self._slots.close()

    async def see_off(self, child: Child, how: Drain) -> None:
        """Kill a worker that outlives its time to drain."""
        with suppress(TimeoutError):
            await asyncio.wait_for(child.ended.wait(), how.limit + END_SECONDS)
        if not child.ended.is_set():
            log.error("worker %d (process %d) does not end and is killed", child.number, child.pid)
            child.kill()
            await child.ended.wait()

    def cut(self) -> None:
        """Wait for nothing that is under way."""
        for child in self.children:
            child.cut()

    def _over(self, child: Child) -> None:
        if child not in self.children:
            return  # it was given up while it started, and its place may be another's by now
        self.children.discard(child)
        self._slots[child.slot] = CLOSED
        self._free.add(child.slot)
        if child.figures:
            self.keep(child.figures)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for child in list(self.children):
                child.silent += 1
                if child.silent > STUCK_TICKS and child.has_started:
                    log.error("worker %d (process %d) is stuck and is killed", child.number, child.pid)
                    child.kill()


class Post:
    """One place for a worker. `child` is the one that accepts connections, None while there is none."""

    def __init__(self, number: int, crew: Crew) -> None:
        self.number = number
        self.child: Child | None = None
        self.filled = asyncio.Event()
        self._crew = crew
        self._backoff = Backoff()
        self._failures = 0

    async def keep(self) -> None:
        """See to it that somebody is there, for ever."""
        while True:
            child = self.child or await self._fill()
            since = monotonic()
            await child.leaving.wait()
            if self.child is not child:
                continue  # replaced on purpose
            self.child = None
            self._backoff.served(monotonic() - since)
            spawn(self._tell_end(child), name="end of a worker")

    async def replace(self, how: Drain) -> None:
        """Put another one here, and let the present one end once that accepts. Raises WorkerFailed."""
        successor = await self._crew.launch(self.number)
        old, self.child = self.child, successor
        if old is not None:
            old.drain(how)
            spawn(self._crew.see_off(old, how), name=f"end of worker {old.number}")

    async def _fill(self) -> Child:
        crew = self._crew
        while True:
            await asyncio.sleep(self._backoff.pause())
            try:
                child = await crew.launch(self.number)
            except WorkerFailed as error:
                self._failures += 1
                log.error("worker %d does not start: %s", self.number, error)
                if self._failures >= HOPELESS and not crew.has_served and not crew.failed.done():
                    crew.failed.set_exception(error)
            else:
                if self.child is not None:  # a restart was quicker
                    child.drain(AT_ONCE)
                    return self.child
                self.child = child
                self.filled.set()
                return child

    async def _tell_end(self, child: Child) -> None:
        self._crew.metrics.count("worker_restarts_total", str(self.number))
        await child.ended.wait()
        log.warning("worker %d (process %d) ended: %s; another takes its place", self.number, child.pid, child.how)
