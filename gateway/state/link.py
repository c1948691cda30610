"""One connection to a Redis or Valkey that all callers share: questions go out at once, answers come back in order."""

from asyncio import AbstractEventLoop, BaseTransport, Future, Protocol, TimerHandle, Transport
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from hiredis import ProtocolError, PushNotification, Reader, pack_command

from gateway.state.deadline import LAST_LOOK

Command = tuple[str | bytes | int, ...]

STUCK: Final = 0.05
"""Seconds without an answer after which no caller queues up behind the one who waits for it."""
_MOST_UNSENT = 1 << 20
"""Bytes that the store has not taken: a link that holds more takes no further questions."""
_INCOMPLETE: Final = object()


class Refusal(Exception):
    """An error that the store answered with. `code` is its first word, such as READONLY."""

    @property
    def code(self) -> str:
        """What kind of error, in capitals."""
        return str(self).partition(" ")[0]


class _Round:
    """The commands of one caller, and their answers so far."""

    __slots__ = ("answers", "future", "left", "sent")

    def __init__(self, future: "Future[list[Any]]", left: int, sent: float) -> None:
        self.future = future
        self.left = left
        self.answers: list[Any] = []
        self.sent = sent


class Link(Protocol):
    """Answers belong to the questions in the order of asking, whoever has gone meanwhile.

    A cancelled caller's answers are read in their place and dropped, so that nobody is handed what another asked for
    (CVE-2023-28858). A link whose oldest question stays unanswered for `patience` seconds is given up as a whole.
    """

    def __init__(
        self, loop: AbstractEventLoop, *, patience: float, on_push: Callable[[Any], None] = lambda _push: None
    ) -> None:
        self.greeting: dict[bytes, Any] = {}
        """What the store said of itself (HELLO); empty where it only speaks RESP2."""
        self.is_open = False
        """It takes questions: connected, and not choked by what the store does not read."""
        self.why: Exception | None = None
        """Why it ended, or is about to."""
        self.ended: Future[None] = loop.create_future()
        """Done once nothing more can come."""
        self._loop = loop
        self._patience = patience
        self._on_push = on_push
        self._heard = 0.0
        self._reader = Reader(replyError=Refusal, notEnoughData=_INCOMPLETE)
        self._rounds: deque[_Round] = deque()
        self._transport: Transport | None = None
        self._watch: TimerHandle | None = None
        self._looked_twice = False

    @property
    def waiting(self) -> int:
        """How many callers' answers are still to come, those of callers who have gone included."""
        return len(self._rounds)

    @property
    def is_stuck(self) -> bool:
        """The oldest question has been waiting for longer than `STUCK`."""
        return bool(self._rounds) and self._loop.time() - self._rounds[0].sent > STUCK

    def is_idle(self, seconds: float) -> bool:
        """Nobody waits, and nothing has come for so long."""
        return not self._rounds and self._loop.time() - self._heard > seconds

    def send(self, commands: Sequence[Command], answers: int = 0) -> "Future[list[Any]]":
        """Ask; the answers come in the commands' order, refusals among them. Cancelling it leaves the link whole.

        `answers` is how many will come, where that is not one for each command.

        Raises OSError if the link is closed or choked; the future raises it if the link ends before the answers.
        """
        if not self.is_open or self._transport is None:
            raise self._failure()
        future: Future[list[Any]] = self._loop.create_future()
        now = self._loop.time()
        self._rounds.append(_Round(future, answers or len(commands), now))
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._patience, self._look)
        self._transport.write(pack(commands))
        return future

    def abort(self, why: Exception | None = None) -> None:
        """Close at once; whoever still waits is told `why`."""
        self.why = self.why or why
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to take questions."""
        self._transport = cast("Transport", transport)
        self._transport.set_write_buffer_limits(high=_MOST_UNSENT)
        self.is_open = True
        self._heard = self._loop.time()

    def data_received(self, data: bytes) -> None:
        """Hand out the answers."""
        self._heard = self._loop.time()
        self._reader.feed(data)
        gets, rounds = self._reader.gets, self._rounds
        try:
            while (answer := gets()) is not _INCOMPLETE:
                if isinstance(answer, PushNotification):
                    self._on_push(answer)
                    continue
                first = rounds[0]
                first.answers.append(answer)
                first.left -= 1
                if not first.left:
                    del rounds[0]
                    if not first.future.done():  # else its caller has gone
                        first.future.set_result(first.answers)
        except (ProtocolError, IndexError):
            self.abort(ConnectionError("the store answered what nobody had asked"))
        except Exception as error:  # noqa: BLE001 - of whoever is pushed to, whose link ends with it: it may have missed something
            self.abort(error)

    def pause_writing(self) -> None:
        """The store reads nothing: take no more until it does."""
        self.is_open = False

    def resume_writing(self) -> None:
        """It has read."""
        self.is_open = self.why is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits."""
        self.is_open = False
        self.why = self.why or exc or ConnectionResetError("the store closed the connection")
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        if not self.ended.done():
            self.ended.set_result(None)
        while self._rounds:
            future = self._rounds.popleft().future
            if not future.done():
                future.set_exception(self._failure())
                future.exception()  # whoever waits is told; that nobody does is no failure to be logged

    def _failure(self) -> OSError:
        why = self.why or "the connection to the store takes no more"
        return why if isinstance(why, OSError) else ConnectionAbortedError(str(why))

    def _look(self) -> None:
        """Once per `patience` at most, and only while somebody waits."""
        self._watch = None
        if not self._rounds:
            self._looked_twice = False
            return
        due = self._rounds[0].sent + self._patience
        if due <= self._loop.time() and not self._looked_twice:
            self._looked_twice = True  # what has come meanwhile is read first
            self._watch = self._loop.call_later(LAST_LOOK, self._look)
        elif due <= self._loop.time():
            self.abort(TimeoutError(f"the store was silent for {self._patience:g} s"))
        else:
            self._looked_twice = False
            self._watch = self._loop.call_at(due, self._look)


def pack(commands: Sequence[Command]) -> bytes:
    """Spell commands, in C."""
    return b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type] # declared for tuples of one
