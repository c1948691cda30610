"""The one store: every method is a whole step, so no caller can read and then write.

A token is valid only through two reads: its pointer `t:{hash}` names a session, and the session's own hash lists the
token, its kind and its expiry; the session alone decides, so a pointer left over opens nothing. Not-before marks of
everybody, the user and the tenant are read along with the session.

What a session costs, held to by the contract tests: 2 KiB with an access and a refresh token (its hash, two pointers,
two index entries), 0.27 KiB more for each refresh within the lifetime of a refresh token, and at most 450 KiB whatever
its holder does: 256 live tokens, 1000 spent ones, 16 replayable successors. Everything expires with the last token.
"""

from collections.abc import Sequence
from json import dumps
from math import ceil, inf

from gateway.model import Session
from gateway.state.calls import Command, Script
from gateway.state.keys import Pointer, owner_tag, tenant_tag, write_time
from gateway.state.reading import Reads
from gateway.state.records import (
    Outcome,
    Rotation,
    RotationResult,
    TokenKnown,
    TokenRecord,
    dump_session,
    load_session,
)

OPEN, ADD, EXTEND, ROTATE, REVOKE, REVOKE_TOKEN, MARK, HINT = SCRIPTS = tuple(
    Script.load(name) for name in ("open", "add", "extend", "rotate", "revoke", "revoke_token", "mark", "hint")
)
_SLACK = 60  # seconds; as in shared.lua
_UNPROVEN = 3600  # seconds that the pointer of an endless token lives until its session is known to list it
_TOMBSTONE = 34560000  # seconds; as in shared.lua


class Store(Reads):
    """Sessions and tokens in Redis or Valkey. Every method raises StoreUnavailable if the store fails or is late.

    A time-out may hide a step that was taken. A rotation or revocation can be repeated as it is; a login is made anew.
    """

    async def open_session(self, session: Session, tokens: Sequence[TokenRecord]) -> None:
        """Write a new session with its first tokens. Raises TokenKnown, with nothing opened, if one is known."""
        async with self.calls.budget():
            await self._point(session, tokens)
            owner, tenant = _tags(session)
            head = (write_time(self._clock()), session.id, dump_session(session), owner, tenant)
            opened = await self.calls.one_durably(*OPEN.on([self.keys.session(session.id)], *head, *_triples(tokens)))
            if not opened:
                raise TokenKnown
            await self._keep_endless(tokens)

    async def add_tokens(self, session_id: str, tokens: Sequence[TokenRecord]) -> bool:
        """Add tokens to a session; False: it is over. Raises TokenKnown, with nothing added, if one is known."""
        async with self.calls.budget():
            found = await self._read_sessions([session_id])
            if not found:
                return False
            await self._point(found[0], tokens)
            keys = self.keys.of_session(session_id)[:2]
            adding = ADD.on(keys, write_time(self._clock()), *_triples(tokens))
            added, *dropped = await self.calls.one_durably(*adding)
            if added < 0:
                raise TokenKnown
            await self._forget([one.decode() for one in dropped])
            await self._keep_endless(tokens)
        return bool(added)

    async def extend_token(self, session_id: str, token_hash: str, expires_at: float) -> bool:
        """Let a live token end later, never sooner; False: it is not live. Its session and index live as long."""
        async with self.calls.budget():
            now = self._clock()
            keys = self.keys.of_session(session_id)[:2]
            extended = await self.calls.one(*EXTEND.on(keys, write_time(now), token_hash, write_time(expires_at)))
            session = await self._session_of(session_id) if extended else None
            if session is not None:
                pointer = self.keys.token(token_hash)
                longer: Command = ("PEXPIRE", pointer, _milliseconds(expires_at, now), "GT")
                if expires_at == inf:
                    longer = ("PERSIST", pointer)
                await self.calls.many([longer, *self._hints(session, write_time(expires_at))])
        return bool(extended)

    async def rotate(self, rotation: Rotation) -> RotationResult:
        """Spend a refresh token and write its successors, in one atomic step. Raises TokenKnown for known successors.

        A second use within `grace` of the first answers REPLAYED with the first's `sealed`; later ones revoke the
        session (REUSED). The same rotation again, successors included, is ROTATED again: a time-out consumes nothing.
        Without a grace, a second use before `settle_rotation` is UNSETTLED, and after a while REPLAYED.
        """
        async with self.calls.budget():
            session = rotation.session or await self._session_of(rotation.session_id)
            if session is None:
                return RotationResult(Outcome.UNKNOWN)
            fresh = await self._point(session, rotation.successors, again=True)
            answer = await self.calls.one_durably(*self._rotate_command(rotation))
            outcome, sealed, meta, *rest = answer
            if outcome == b"known":
                # Another rotation wrote the same bytes meanwhile, which are alive: their pointer stays.
                await self._forget([one for one in fresh if one.encode() not in rest])
                raise TokenKnown
            if outcome != b"rotated":
                await self._forget(fresh)
            if outcome == b"rotated":
                await self._forget([one.decode() for one in rest])
                await self._keep_endless(rotation.successors)
            else:
                await self._end_endless(rest)
        if rotation.revoke_access or outcome == b"reused":
            await self._hear_it()
        return RotationResult(Outcome(outcome.decode()), sealed, load_session(meta) if meta else None)

    async def settle_rotation(self, rotation: Rotation) -> None:
        """The answer of a rotation has been heard: from now on a second use of its token is one."""
        async with self.calls.budget():
            await self.calls.one("HDEL", self.keys.grace(rotation.session_id), f"?{rotation.spent_hash}")

    async def revoke_session(self, session_id: str, cause: str) -> bool:
        """End a session and all its tokens, and tell every gateway, in one step; False: it was over."""
        return bool(await self.revoke_sessions([session_id], cause))

    async def revoke_sessions(self, session_ids: Sequence[str], cause: str) -> int:
        """End several sessions, each in one step; how many of them were not over."""
        async with self.calls.budget():
            ended = await self._revoke(session_ids, cause)
        await self._hear_it()
        return ended

    async def revoke_token(self, token_hash: str) -> bool:
        """End one token, and tell every gateway, in one step; False: it was not live."""
        async with self.calls.budget():
            pointer = Pointer.load(await self.calls.one("GET", self.keys.token(token_hash)))
            if pointer is None:
                return False
            key = self.keys.session(pointer.session_id)
            message = dumps(["token", token_hash])
            ending = REVOKE_TOKEN.on([key], token_hash, self.keys.channel, message)
            ended = bool(await self.calls.one_durably(*ending))
        await self._hear_it()
        return ended

    async def revoke_user(self, provider: str, user_id: str, cause: str) -> int:
        """End all sessions opened by a user until now; how many of the listed ones were live."""
        owner = owner_tag(provider, user_id)
        mark = await self._mark(self.keys.mark_user(owner), cause, ["user", provider, user_id])
        return await self._revoke_listed(self.keys.user_index(owner), cause, (mark, "owner", owner))

    async def revoke_tenant(self, tenant: str, cause: str) -> int:
        """End all sessions opened in a tenant until now; how many of the listed ones were live."""
        tag = tenant_tag(tenant)
        mark = await self._mark(self.keys.mark_tenant(tag), cause, ["tenant", tenant])
        return await self._revoke_listed(self.keys.tenant_index(tag), cause, (mark, "tenant", tag))

    async def revoke_all(self, cause: str) -> None:
        """End every session opened until now, by a mark alone."""
        await self._mark(self.keys.mark_all, cause, ["all"])

    async def close(self) -> None:
        """Close the connections."""
        await self.calls.close()

    # -- parts of steps: called within a budget, unless they say otherwise

    async def _session_of(self, session_id: str) -> Session | None:
        meta = await self.calls.one("HGET", self.keys.session(session_id), "meta")
        return load_session(meta) if meta else None

    async def _point(self, session: Session, tokens: Sequence[TokenRecord], *, again: bool = False) -> list[str]:
        """Write pointers and index entries first: without the session they open nothing. The hashes newly written.

        Raises TokenKnown for a pointer that was there; with `again`, unless it is the very same one.
        """
        owner, tenant = _tags(session)
        now = self._clock()
        pointers = [Pointer(session.id, owner, tenant, token.expires_at).dump() for token in tokens]
        writes: list[Command] = [
            ("SET", self.keys.token(token.hash), pointer, "NX", "PX", _milliseconds(token.expires_at, now))
            for token, pointer in zip(tokens, pointers, strict=True)
        ]
        last = write_time(max((token.expires_at for token in tokens), default=now))
        written = (await self.calls.many_durably([*writes, *self._hints(session, last)]))[: len(writes)]
        hashes = [token.hash for token in tokens]
        fresh = [token_hash for token_hash, done in zip(hashes, written, strict=True) if done]
        there = [
            (token.hash, pointer) for token, pointer, done in zip(tokens, pointers, written, strict=True) if not done
        ]
        if there and not (again and await self._same(there)):
            await self._forget(fresh)
            raise TokenKnown
        return fresh

    def _hints(self, session: Session, last: str) -> list[Command]:
        """List the session in its indexes for as long as it lives."""
        now = write_time(self._clock())
        return [HINT.on([index], session.id, last, now) for index in self.keys.indexes(*_tags(session))]

    async def _same(self, pointers: Sequence[tuple[str, str]]) -> bool:
        values = await self.calls.many([("GET", self.keys.token(token_hash)) for token_hash, _ in pointers])
        return all(value == pointer.encode() for value, (_, pointer) in zip(values, pointers, strict=True))

    async def _forget(self, hashes: Sequence[str]) -> None:
        if hashes:
            await self.calls.many([("UNLINK", self.keys.token(token_hash)) for token_hash in hashes])

    async def _keep_endless(self, tokens: Sequence[TokenRecord]) -> None:
        """Now that the session lists them, the pointers of endless tokens lose their provisional end."""
        endless = [token for token in tokens if token.expires_at == inf]
        if endless:
            await self.calls.many_durably([("PERSIST", self.keys.token(token.hash)) for token in endless])

    async def _end_endless(self, hashes: Sequence[bytes]) -> None:
        if hashes:
            await self.calls.many([self._end(one) for one in hashes])

    def _end(self, token_hash: bytes) -> Command:
        return ("EXPIRE", self.keys.token(token_hash.decode()), _TOMBSTONE)

    def _rotate_command(self, rotation: Rotation) -> Command:
        changed = (
            ("", "", "") if rotation.session is None else (dump_session(rotation.session), *_tags(rotation.session))
        )
        return ROTATE.on(
            self.keys.of_session(rotation.session_id),
            write_time(rotation.now),
            rotation.spent_hash,
            rotation.sealed,
            repr(rotation.grace),
            int(rotation.rotate),
            int(rotation.revoke_access),
            *changed,
            self.keys.channel,
            dumps(["session", rotation.session_id]),
            repr(rotation.unsettled),
            *_triples(rotation.successors),
        )

    async def _revoke(self, session_ids: Sequence[str], cause: str, *listed_for: str) -> int:
        commands = [self._revoke_command(one, cause, *listed_for) for one in session_ids]
        # What an index listed has been ended by a mark, which replicas have.
        answers = await (self.calls.many if listed_for else self.calls.many_durably)(commands)
        cleaning: list[Command] = []
        for session_id, answer in zip(session_ids, answers, strict=True):
            if answer:
                owner, tenant, *endless = answer
                indexes = self.keys.indexes(owner.decode(), tenant.decode())
                cleaning += [("ZREM", index, session_id) for index in indexes]
                cleaning += [self._end(one) for one in endless]
        if cleaning:
            await self.calls.many(cleaning)
        return sum(map(bool, answers))

    def _revoke_command(self, session_id: str, cause: str, *listed_for: str) -> Command:
        message = dumps(["session", session_id])
        keys = self.keys.of_session(session_id)
        return REVOKE.on(keys, write_time(self._clock()), cause, self.keys.channel, message, *listed_for)

    async def _mark(self, key: str, cause: str, message: list[str]) -> str:
        """Write and publish a not-before mark, under a budget of its own."""
        async with self.calls.budget():
            head = dumps(message)[:-1] + ","
            mark: bytes = await self.calls.one_durably(*MARK.on([key], self.keys.channel, head, cause))
        await self._hear_it()
        return mark.decode()

    async def _revoke_listed(self, index: str, cause: str, listed_for: tuple[str, str, str]) -> int:
        """Turn the listed sessions into tombstones, one budget for each: the mark has ended them already."""
        async with self.calls.budget():
            listed = await self.calls.one("ZRANGE", index, 0, -1)
        ended = 0
        for session_id in listed:
            async with self.calls.budget():
                ended += await self._revoke([session_id.decode()], cause, *listed_for)
        return ended


def _tags(session: Session) -> tuple[str, str]:
    return owner_tag(session.provider, session.user_id), tenant_tag(session.tenant)


def _triples(tokens: Sequence[TokenRecord]) -> list[str]:
    return [part for token in tokens for part in (token.hash, token.kind.value, write_time(token.expires_at))]


def _milliseconds(expires_at: float, now: float) -> int:
    """How long a pointer lives: relative, because the server's clock need not be ours."""
    left = _UNPROVEN if expires_at == inf else expires_at - now + _SLACK
    return max(1, ceil(left * 1000))
