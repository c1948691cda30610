"""One round trip to the store, under a deadline, on a connection nobody else is reading."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol

from hiredis import pack_command
from redis.exceptions import NoScriptError, RedisError, ResponseError

from gateway.errors import StoreUnavailable
from gateway.state.breaker import Breaker

Command = tuple[str | bytes | int, ...]

_HERE = Path(__file__).parent


class Pool(Protocol):
    """What is used of redis-py's connection pools."""

    async def get_connection(self) -> Any:
        """A connection that is open and has nothing left to read."""

    async def release(self, connection: Any) -> None:
        """Give it back."""

    def make_connection(self) -> Any:
        """A connection of one's own, not yet open."""

    async def aclose(self) -> None:
        """Close all."""


@dataclass(frozen=True, slots=True)
class Script:
    """A step that the server runs as a whole. Every one of them touches the keys of one slot."""

    source: str
    sha: str

    @classmethod
    def load(cls, name: str) -> "Script":
        """Read `name`.lua from beside this file, with the functions that all scripts share in front."""
        source = (_HERE / "shared.lua").read_text() + (_HERE / f"{name}.lua").read_text()
        return cls(source, sha1(source.encode(), usedforsecurity=False).hexdigest())

    def on(self, keys: Sequence[str], *args: str | bytes | int) -> Command:
        """Write the command that runs this script."""
        return ("EVALSHA", self.sha, len(keys), *keys, *args)


class Calls:
    """The store's connections. `limit` is how many calls run at once; the others wait within their deadline."""

    def __init__(self, pool: Pool, *, timeout: float, scripts: Sequence[Script], limit: int = 32) -> None:
        self.pool = pool
        self.timeout = timeout
        """Seconds for a whole step, waiting for a connection included."""
        self.failures = 0
        """Steps that failed, were too late, or were not tried because the store had just fallen silent."""
        self.breaker = Breaker()
        self._scripts = {script.sha: script for script in scripts}
        self._turn = asyncio.Semaphore(limit)

    @asynccontextmanager
    async def budget(self) -> AsyncIterator[None]:
        """Bound all round trips inside by one deadline. Raises StoreUnavailable for every failure of the store."""
        try:
            with self.breaker.step():
                async with asyncio.timeout(self.timeout):
                    yield
        except StoreUnavailable:
            self.failures += 1
            raise
        except TimeoutError as late:
            self.failures += 1
            raise StoreUnavailable(f"the store did not answer within {self.timeout:g} s") from late
        except (RedisError, OSError) as error:
            self.failures += 1
            raise StoreUnavailable(f"the store failed: {type(error).__name__}: {error}") from error

    async def one(self, *command: str | bytes | int) -> Any:
        """Run one command. Raises redis errors: call it within `budget`."""
        return (await self.many([command]))[0]

    async def many(self, commands: Sequence[Command]) -> list[Any]:
        """Run independent commands in one round trip; the first that failed is raised once all are answered."""
        answers = await self._exchange(commands)
        missing = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missing:  # a new or restarted server; what is missing did not run, so it is run now
            await self._exchange([("SCRIPT", "LOAD", script.source) for script in self._scripts.values()])
            again = await self._exchange([commands[at] for at in missing])
            for at, answer in zip(missing, again, strict=True):
                answers[at] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        async with self._turn:
            connection = await self.pool.get_connection()
            try:
                await connection.send_packed_command(_pack(commands))
                return [await _answer(connection) for _ in commands]
            except BaseException:
                # Cancelled or broken with answers still to come: the next user of this connection would read them
                # as its own (CVE-2023-28858).
                await connection.disconnect(nowait=True)
                raise
            finally:
                await self.pool.release(connection)

    async def close(self) -> None:
        """Close all connections."""
        await self.pool.aclose()


def _pack(commands: Sequence[Command]) -> bytes:
    """In C: redis-py's own packer for asyncio costs 20 µs more for a cold look-up."""
    return b"".join(pack_command(command) for command in commands)  # type: ignore[arg-type] # declared for tuples of one


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal
