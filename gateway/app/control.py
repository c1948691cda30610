"""The data path as the admin listener sees it, where one process does everything."""

from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.admin.control import (
    BanView,
    Explanation,
    Health,
    KeyView,
    Lifting,
    RestartReport,
    SessionView,
    Snapshot,
)
from gateway.app import bans, made_keys
from gateway.app.explain import explain
from gateway.broker.accounts import Lists
from gateway.config.credentials import ApiKeyConfig
from gateway.config.identities import canonical_username
from gateway.config.routes import RouteConfig
from gateway.errors import BadRequest, NotFound
from gateway.model import Session
from gateway.reload import ReloadReport
from gateway.state.attempts import Attempts
from gateway.state.key_records import KeyRecords
from gateway.tokens.session_id import public_id

if TYPE_CHECKING:
    from gateway.app.process import Process


class LocalControl:
    """`admin.control.Control` by direct calls."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    async def health(self) -> Health:
        """What is known now; the store is not asked."""
        process, service = self._process, self._process.service
        now = monotonic()
        return Health(
            store_up=service.state.feed.store_answers,
            draining=process.stopping.is_set(),
            listening=process.is_listening,
            config_stale=process.reloader.is_stale,
            upstreams={
                upstream.name: (sum(server.is_up(now) for server in upstream.servers), len(upstream.servers))
                for upstream in service.current.rules.upstreams
            },
        )

    async def snapshot(self) -> Snapshot:
        """Figures of everyone who serves."""
        process, service = self._process, self._process.service
        return Snapshot(
            health=await self.health(),
            version=__version__,
            started=process.started,
            workers=process.workers,
            config_file=service.current.loaded.file,
            config_loaded=service.loaded_at,
            store=service.state.described,
            routes=[_route(route) for route in service.current.config.routes],
            metrics=await process.figures(),
            providers=list(service.current.config.identity_providers),
            declared_keys=[_declared(key) for key in service.current.config.api_keys],
            last_reload=process.reloader.last,
        )

    async def reload(self) -> ReloadReport:
        """Load the file again."""
        return await self._process.reloader.reload("admin API")

    async def restart(self) -> RestartReport:
        """Nobody could serve meanwhile."""
        return RestartReport(done=False, workers=1, problem="one process serves alone: restart that, or set workers")

    async def explain(self, method: str, target: str, headers: Sequence[tuple[str, str]]) -> Explanation:
        """Judge a request without forwarding it."""
        return await explain(self._process.service.gate, method, target, headers)

    async def drain(self) -> None:
        """Begin to stop."""
        self._process.stop()

    async def sessions(self, provider: str, user_id: str) -> Sequence[SessionView]:
        """One user's live sessions."""
        return [_view(session) for session in await self._process.service.state.store.sessions_of(provider, user_id)]

    async def revoke_session(self, session_id: str) -> bool:
        """End one session."""
        ended = await self._process.service.state.store.revoke_session(session_id, "revoked by an operator")
        self._tell("session_revoked", session=public_id(session_id), ended=ended)
        return ended

    async def revoke_user(self, provider: str, user_id: str) -> None:
        """End all sessions of a user."""
        await self._process.service.state.store.revoke_user(provider, user_id, "revoked by an operator")
        self._tell("sessions_ended", provider=provider, user_id=user_id)

    async def revoke_named(self, user: str, provider: str) -> None:
        """End all sessions of the user of that name or id. Raises NotFound, BadRequest."""
        providers = self._process.service.current.logins.providers
        if not provider and len(providers) != 1:
            raise BadRequest("there are several identity providers: name the user's")
        provider = provider or next(iter(providers))
        if provider not in providers:
            raise NotFound("no such identity provider")
        await self.revoke_user(provider, await self._id_of(provider, user))

    async def _id_of(self, provider: str, user: str) -> str:
        """By the name that is listed or was logged in by, else by an id that has sessions."""
        store = self._process.service.state.store
        listing = self._process.service.current.logins.providers[provider]
        listed = listing.id_of(user) if isinstance(listing, Lists) else ""
        known = listed or await self._attempts.user_named(provider, canonical_username(user))
        if not known and not await store.sessions_of(provider, user):
            raise NotFound("no such user, or none with a session")
        return known or user

    async def revoke_tenant(self, tenant: str) -> None:
        """End all sessions in a tenant."""
        await self._process.service.state.store.revoke_tenant(tenant, "revoked by an operator")
        self._tell("sessions_ended", tenant=tenant)

    async def revoke_all(self) -> None:
        """End every session."""
        await self._process.service.state.store.revoke_all("revoked by an operator")
        self._tell("sessions_ended", all=True)

    async def keys(self) -> Sequence[KeyView]:
        """The API keys that were made."""
        return await made_keys.listed(self._key_records)

    async def make_key(self, wanted: KeyView) -> str:
        """Make an API key. Raises BadRequest."""
        service = self._process.service
        key = await made_keys.make(self._key_records, service.current.config, wanted, service.shared.clock)
        service.shared.audit("key_made", key=wanted.id, user=wanted.user, expires=wanted.expires)
        return key

    async def revoke_key(self, key_id: str) -> bool:
        """End a made key."""
        ended = await made_keys.revoke(self._key_records, key_id)
        self._tell("key_revoked", key=key_id, ended=ended)
        return ended

    async def bans(self) -> Sequence[BanView]:
        """All bans in force."""
        return await bans.listed(self._attempts)

    async def lift_bans(self, which: Lifting) -> int:
        """End bans before their time."""
        lifted = await bans.lift(self._attempts, self._process.service.current.logins.providers, which)
        who = {"provider": which.provider, "client": which.address, "all": which == Lifting()}
        self._process.service.shared.audit("bans_lifted", cause="lifted by an operator", lifted=lifted, **who)
        return lifted

    @property
    def _attempts(self) -> Attempts:
        store = self._process.service.state.store
        return Attempts(store.calls, store.keys, self._process.service.shared.clock)

    @property
    def _key_records(self) -> KeyRecords:
        return KeyRecords(self._process.service.state.store)

    def _tell(self, event: str, **fields: Any) -> None:
        self._process.service.shared.audit(event, cause="revoked by an operator", **fields)


def _view(session: Session) -> SessionView:
    return SessionView(
        id=session.id,
        login=session.login,
        provider=session.provider,
        user_id=session.user_id,
        user=session.user,
        tenant=session.tenant,
        created=session.created,
        expires=None if session.absolute_expiry == inf else session.absolute_expiry,
    )


def _route(route: RouteConfig) -> dict[str, Any]:
    return {
        "name": route.name,
        "path": route.path,
        "methods": list(route.methods or ()),
        "hosts": list(route.hosts),
        "upstream": route.upstream,
        "credentials": list(route.credentials),
        "logins": list(route.logins),
        "anonymous": list(route.anonymous),
        "public": route.public,
    }


def _declared(key: ApiKeyConfig) -> dict[str, Any]:
    return {
        "id": key.id,
        "user": key.user,
        "roles": list(key.roles),
        "scopes": list(key.scopes),
        "routes": list(key.routes),
        "expires": None if key.expires == inf else key.expires,
        "blocked": key.blocked,
    }
