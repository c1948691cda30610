"""Reading tokens and sessions: what the session and the marks say, and nothing remembered from before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.errors import StoreUnavailable
from gateway.model import Clock, Session, TokenKind
from gateway.state.calls import Calls, Command
from gateway.state.keys import Keys, Pointer, owner_tag, read_time, tenant_tag
from gateway.state.records import FoundRefresh, FoundToken, Standing, TokenRecord, load_session
from gateway.state.tombstones import Tombstones

_FIELDS = ("id", "meta", "opened", "revoked")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A session as it was read, with one of its tokens and whether that token is among the spent."""

    session: Session
    ended: bool
    token: bytes | None
    spent: bool


class Reads:
    """The reading half of the store. Nothing is cached; a token costs two round trips under one deadline.

    What this process has heard end lately is over, whatever the store says: it may have failed over and lost it.
    """

    def __init__(self, calls: Calls, keys: Keys, clock: Clock) -> None:
        self.calls = calls
        self.keys = keys
        self._clock = clock
        self.tombstones = Tombstones()
        self.heard_here: Callable[[], Awaitable[None]] | None = None
        """Returns once this process has heard what was published until now; None where it has no feed."""

    async def _hear_it(self) -> None:
        """What was ended must open nothing here once that is answered: its message may still be on the way."""
        if self.heard_here is not None:
            await self.heard_here()

    async def find_token(self, token_hash: str) -> FoundToken | None:
        """The live token of any kind, refresh included: the caller checks the kind. Raises StoreUnavailable.

        None: unknown, expired, spent, revoked by itself or with its session, or opened before a not-before mark.
        """
        found = await self.judge_token(token_hash)
        return found if isinstance(found, FoundToken) else None

    async def judge_token(self, token_hash: str) -> FoundToken | Standing:
        """The same, and of a dead token whether it was revoked or has expired, for as long as the store still knows.

        UNKNOWN: never heard of, spent, or forgotten since; a refusal all the same. Raises StoreUnavailable.
        """
        async with self._reading():
            seen = await self._look_up(token_hash)
            record = None if seen is None else _read_token(token_hash, seen.token)
        if seen is None:
            return Standing.UNKNOWN
        if seen.ended or (record is None and seen.token is not None):
            return Standing.REVOKED
        if record is None:
            return Standing.UNKNOWN
        late = min(record.expires_at, seen.session.absolute_expiry) <= self._clock()
        return Standing.EXPIRED if late else FoundToken(record, seen.session)

    async def find_refresh(self, token_hash: str) -> FoundRefresh | None:
        """What a rotation needs to know of a refresh token, spent ones included. Raises StoreUnavailable.

        None: unknown, forgotten, or no refresh token. `Store.rotate` decides again, atomically.
        """
        async with self._reading():
            seen = await self._look_up(token_hash, spent=True)
            standing = None if seen is None else self._standing(token_hash, seen)
        if seen is None:
            return None
        return None if standing is None else FoundRefresh(token_hash, seen.session, standing)

    def _standing(self, token_hash: str, seen: _Seen) -> Standing | None:
        if seen.ended:
            return Standing.REVOKED
        if seen.spent:
            return Standing.SPENT
        record = _read_token(token_hash, seen.token)
        if record is None or record.kind is not TokenKind.REFRESH:
            return None
        late = min(record.expires_at, seen.session.absolute_expiry) <= self._clock()
        return Standing.EXPIRED if late else Standing.LIVE

    async def session(self, session_id: str) -> Session | None:
        """The session, None if it is over. Raises StoreUnavailable."""
        async with self._reading():
            found = await self._read_sessions([session_id])
        return found[0] if found else None

    async def sessions(self, session_ids: Sequence[str]) -> list[Session]:
        """Those of them that are not over. Raises StoreUnavailable."""
        async with self._reading():
            return await self._read_sessions(session_ids)

    async def sessions_of(self, provider: str, user_id: str) -> list[Session]:
        """The user's sessions that are not over, oldest first. Raises StoreUnavailable."""
        async with self._reading():
            listed = await self.calls.one("ZRANGE", self.keys.user_index(owner_tag(provider, user_id)), 0, -1)
            found = await self._read_sessions([session_id.decode() for session_id in listed])
        mine = [session for session in found if (session.provider, session.user_id) == (provider, user_id)]
        return sorted(mine, key=lambda session: session.created)

    async def ping(self) -> bool:
        """Whether the store answers now; never raises for its failures."""
        try:
            async with self.calls.budget():
                return bool(await self.calls.one("PING") == b"PONG")
        except StoreUnavailable:
            return False

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        """A budget in which a record that makes no sense is the store's failure, and nobody's bad credential."""
        try:
            async with self.calls.budget():
                yield
        except ValueError as error:
            raise StoreUnavailable("a record in the store cannot be read") from error

    async def _look_up(self, token_hash: str, *, spent: bool = False) -> _Seen | None:
        pointer = Pointer.load(await self.calls.one("GET", self.keys.token(token_hash)))
        if pointer is None:
            return None
        marks = self.keys.marks(pointer.owner, pointer.tenant)
        seen = await self._see(pointer.session_id, token_hash, marks, spent=spent)
        if seen is None:
            return None
        now_marks = self._marks_of(seen.session)
        if not set(now_marks) <= set(marks):  # the session changed tenant after this token was issued
            seen = await self._see(pointer.session_id, token_hash, now_marks, spent=spent)
        return seen

    async def _see(self, session_id: str, token_hash: str, marks: Sequence[str], *, spent: bool) -> _Seen | None:
        commands: list[Command] = [("HMGET", self.keys.session(session_id), *_FIELDS, token_hash)]
        if spent:
            commands.append(("LPOS", self.keys.spent(session_id), token_hash))
        (fields, *rest) = await self.calls.many([*commands, *(("GET", mark) for mark in marks)])
        position = rest.pop(0) if spent else None
        read = _read_session(session_id, fields, rest)
        if read is None:
            return None
        session, opened, ended = read
        ended = ended or self.tombstones.cover(session, opened, token_hash)
        return _Seen(session, ended, token=fields[4], spent=position is not None)

    async def _read_sessions(self, session_ids: Sequence[str]) -> list[Session]:
        if not session_ids:
            return []
        rows = await self.calls.many([("HMGET", self.keys.session(one), *_FIELDS, "end") for one in session_ids])
        read = [_read_session(session_id, row, ()) for session_id, row in zip(session_ids, rows, strict=True)]
        live = [
            (session, opened)
            for seen, row in zip(read, rows, strict=True)
            if seen and read_time(row[4]) > self._clock()
            for session, opened, ended in [seen]
            if not (ended or self.tombstones.cover(session, opened, ""))
        ]
        names = sorted({mark for session, _ in live for mark in self._marks_of(session)})
        marks = dict(zip(names, await self.calls.many([("GET", name) for name in names]), strict=True)) if names else {}
        return [
            session
            for session, opened in live
            if not _ended_by_mark(opened, [marks[name] for name in self._marks_of(session)])
        ]

    def _marks_of(self, session: Session) -> tuple[str, ...]:
        return self.keys.marks(owner_tag(session.provider, session.user_id), tenant_tag(session.tenant))


def _read_session(
    session_id: str, fields: Sequence[bytes | None], marks: Sequence[bytes | None]
) -> tuple[Session, float, bool] | None:
    """The session, when it was opened, and whether it is over, from HMGET of _FIELDS.

    Raises StoreUnavailable for somebody else's.
    """
    name, meta, moment, revoked = fields[:4]
    if name is None or meta is None or moment is None:
        return None
    session = load_session(meta)
    if name.decode() != session_id or (session is not None and session.id != session_id):
        raise StoreUnavailable("the store answered with another session than the one asked for")
    if session is None:
        return None
    opened = read_time(moment)
    return session, opened, revoked is not None or _ended_by_mark(opened, marks)


def _ended_by_mark(opened: float, marks: Sequence[bytes | None]) -> bool:
    return any(mark is not None and opened <= read_time(mark.split(b" ", 1)[0]) for mark in marks)


def _read_token(token_hash: str, value: bytes | None) -> TokenRecord | None:
    """The record from a session's token field; None if there is none or it is dead.

    Raises StoreUnavailable for another token's, ValueError for a damaged one.
    """
    if value is None:
        return None
    kind, expires_at, _parent, name = value.decode().split(" ")
    if not token_hash.startswith(name):
        raise StoreUnavailable("the store answered with another token than the one asked for")
    return None if kind == "dead" else TokenRecord(token_hash, TokenKind(kind), read_time(expires_at))
