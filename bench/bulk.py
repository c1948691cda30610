"""The steps of the store as the gateway's own code writes them, sent to Redis in bulk."""

import os
import socket
import time
from collections.abc import Sequence
from contextlib import nullcontext
from hashlib import sha256
from typing import Any

import hiredis

from gateway.model import Session, TokenKind
from gateway.state.keys import Keys, owner_tag, tenant_tag
from gateway.state.records import Rotation, TokenRecord
from gateway.state.store import ROTATE, SCRIPTS, Store

TENANTS = 1000
PREFIX = "gw:"


def session_of(number: int) -> Session:
    """As a login makes it: an id of 32 hex digits, a user of his own, one of a thousand tenants."""
    now = time.time()
    return Session(
        id=sha256(b"session %d" % number).hexdigest()[:32],
        login="native",
        provider="staff",
        user_id=str(number),
        user=f"user-{number:07}",
        created=now,
        absolute_expiry=now + 90 * 86400,
        roles=("sales", "warehouse"),
        scopes=("rest-api",),
        tenant=f"tenant-{number % TENANTS}",
    )


def pair_of(number: int, now: float, turn: int = 0) -> tuple[TokenRecord, TokenRecord]:
    def token(kind: TokenKind, life: float) -> TokenRecord:
        return TokenRecord(sha256(b"%d %d %b" % (number, turn, kind.value.encode())).hexdigest(), kind, now + life)

    return token(TokenKind.ACCESS, 3600), token(TokenKind.REFRESH, 30 * 86400)


class Bulk:
    """Stands where a store has its connections: sends what the store's steps say, thousands of commands at once.

    Every step goes on as if its commands had done what they do where all is well; `flush` then holds Redis to it.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = hiredis.Reader()
        self._waiting: list[bytes] = []
        self._keys = Keys(PREFIX)
        self._store = Store(self, self._keys, time.time)
        for script in SCRIPTS:
            self._waiting.append(hiredis.pack_command(("SCRIPT", "LOAD", script.source)))

    async def login(self, number: int) -> None:
        session = session_of(number)
        await self._store.open_session(session, pair_of(number, session.created))

    async def look_up(self, number: int, *, spent: bool = False) -> None:
        """What `Reads.find_token` asks for; marks that are not set answer nil, which is no failure here."""
        session, (access, refresh) = session_of(number), pair_of(number, 0.0)
        token = refresh if spent else access
        marks = self._keys.marks(owner_tag(session.provider, session.user_id), tenant_tag(session.tenant))
        fields = ("id", "meta", "opened", "revoked", token.hash)
        await self.many(
            [
                ("GET", self._keys.token(token.hash)),
                ("HMGET", self._keys.session(session.id), *fields),
                *([("LPOS", self._keys.spent(session.id), token.hash)] if spent else []),
            ]
        )
        await self.many([("GET", mark) for mark in marks])

    async def refresh(self, number: int) -> None:
        now, session = time.time(), session_of(number)
        await self.look_up(number, spent=True)
        await self._store.rotate(
            Rotation(
                session_id=session.id,
                spent_hash=pair_of(number, now)[1].hash,
                successors=pair_of(number, now, 1),
                now=now,
                sealed=os.urandom(900),
                session=session,
            )
        )

    # -- what the store asks of its connections

    def budget(self):
        return nullcontext()

    async def one(self, *command: str | bytes | int) -> Any:
        self._waiting.append(hiredis.pack_command(command))
        return (b"rotated", b"", b"") if command[1] == ROTATE.sha else 1

    async def many(self, commands: Sequence[tuple[str | bytes | int, ...]]) -> list[int]:
        self._waiting += [hiredis.pack_command(command) for command in commands]
        return [1] * len(commands)

    one_durably = one
    many_durably = many

    def flush(self) -> None:
        """Raises RuntimeError for an answer that is not the one of a session that is there."""
        self.exchange(self.take())

    def close(self) -> None:
        self._socket.close()

    def take(self) -> tuple[bytes, int]:
        """What waits to be sent, and how many answers it has."""
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting), len(waiting)

    def exchange(self, block: tuple[bytes, int]) -> None:
        self._socket.sendall(block[0])
        for _ in range(block[1]):
            while (answer := self._reader.gets()) is False:
                self._reader.feed(self._socket.recv(65536))
            if (not answer and answer is not None) or isinstance(answer, Exception) or answer == [b"unknown", b"", b""]:
                raise RuntimeError(f"Redis answered {answer!r}")
