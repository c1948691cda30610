"""One worker as its supervisor sees it: started, ready, asked, told to end, ended."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from gateway import __version__
from gateway.app.drain import Drain
from gateway.app.link import Link, Message
from gateway.app.slots import Slots
from gateway.model import spawn
from gateway.observe.metrics import Snapshot

ASK_SECONDS = 2.0
"""How long figures are waited for; those told last, a second ago at most, stand in for a worker that is busy."""
RELOAD_SECONDS = 30.0
_WORKER = (sys.executable, "-P", "-m", "gateway.app.worker")
"""Without -P it would import what lies in the directory that the gateway was started in, before what is installed, and
run it with all secrets at hand (CWE-427)."""


class WorkerFailed(Exception):
    """A worker ended before it was ready; the text is what it said of it."""


class Child:
    """The process and the line to it."""

    def __init__(self, number: int, slot: int) -> None:
        self.number = number
        self.slot = slot
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when it can accept connections. Raises WorkerFailed."""
        self.leaving = asyncio.Event()
        """It takes no more connections: it was told to end, means to, or is dead."""
        self.ended = asyncio.Event()
        self.is_handed = False
        """It has what it starts from, and can be told what is new."""
        self.figures: Snapshot = {}
        """What it told last."""
        self.silent = 0
        """Ticks of the supervisor's clock since it last said anything."""
        self.pid = 0
        self.how = ""
        """How it ended, once it has."""
        self._why = ""
        self._silence = asyncio.Event()
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._link = Link(self._hear, self._hung_up)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def has_started(self) -> bool:
        """It can serve, or has, and lives."""
        return self.ready.done() and not self.ended.is_set()

    async def start(
        self, sock: socket.socket, slots: Slots, handover: Callable[[], str], on_end: Callable[["Child"], None]
    ) -> None:
        """Start the process and hand over; `on_end` is called once it is gone.

        Raises OSError, and WorkerFailed where it was told to end meanwhile: there was no line yet to tell it.
        """
        ours, its = socket.socketpair()
        with its:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *_WORKER,
                    *map(str, (its.fileno(), sock.fileno(), slots.number, slots.count)),
                    pass_fds=(its.fileno(), sock.fileno(), slots.number),
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C is not for it, and would end it noisily while it starts
                )
            except BaseException:
                ours.close()
                raise
        self.pid = self._process.pid
        spawn(self._watch(self._process, on_end), name=f"worker {self.number}")
        await asyncio.get_running_loop().create_unix_connection(lambda: self._link, sock=ours)
        if self.leaving.is_set():
            raise WorkerFailed("it was told to end before it began")
        # Packed now: what is reloaded from here on reaches it as a reload, and nothing falls in between.
        self._link.send({"do": "start", "version": __version__, "handover": handover()})
        self.is_handed = True

    def accept(self) -> None:
        """Have it begin to accept connections."""
        self._link.send({"do": "accept"})

    async def count(self) -> None:
        """Have `figures` be what it has counted up to now, if it answers soon."""
        await self._ask({"do": "figures"}, ASK_SECONDS)

    async def reload(self, loaded: str) -> str:
        """Have it take a configuration; the problem in words, empty where there is none."""
        answer = await self._ask({"do": "reload", "loaded": loaded}, RELOAD_SECONDS)
        return str(answer.get("problem", "")) if answer is not None else "it does not answer"

    def drain(self, how: Drain) -> None:
        """Have it finish what is under way and end."""
        self.leaving.set()
        self._link.send(how.message())

    def cut(self) -> None:
        """Have it wait for nothing."""
        self._link.send({"do": "cut"})

    def kill(self) -> None:
        """End it now."""
        if self._process is not None and not self.ended.is_set():
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _ask(self, question: Message, seconds: float) -> Message | None:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._link.send({**question, "id": number})
        try:
            return await asyncio.wait_for(answer, seconds)
        except (TimeoutError, WorkerFailed):
            return None
        finally:
            del self._answers[number]

    def _hear(self, message: Message) -> None:
        self.silent = 0
        match message.get("say"):
            case "ready" if not self.ready.done():
                self.ready.set_result(None)
            case "failed":
                self._why = str(message["why"])
            case "leaving":
                self.leaving.set()
            case "figures":
                self.figures = message["figures"]
        answer = self._answers.get(message.get("id", 0))
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _hung_up(self) -> None:
        self._silence.set()
        self.leaving.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(WorkerFailed("it is gone"))

    async def _watch(self, process: asyncio.subprocess.Process, on_end: Callable[["Child"], None]) -> None:
        code = await process.wait()
        with suppress(TimeoutError):  # what it said last is read before it counts as gone
            await asyncio.wait_for(self._silence.wait(), ASK_SECONDS)
        self.how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._link.close()
        if not self.ready.done():
            self.ready.set_exception(WorkerFailed(self._why or self.how))
            self.ready.exception()  # whoever waits is told; nobody need wait
        self.leaving.set()
        self.ended.set()
        on_end(self)
