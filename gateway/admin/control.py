"""What the admin listener may ask of the data path, however many workers serve it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.reload import ReloadReport


@dataclass(frozen=True, slots=True)
class Health:
    """What readiness is judged by. Upstreams are reported only: one dead ERP does not take the gateway out."""

    store_up: bool
    draining: bool
    listening: bool = True
    """The public listener takes connections: not yet so while the gateway starts."""
    config_stale: bool = False
    """The file on disk was refused; an earlier one is in force."""
    upstreams: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Name → (servers up, servers in all)."""

    @property
    def is_ready(self) -> bool:
        """New requests are welcome. There is always a configuration in force: without one nothing listens."""
        return self.store_up and self.listening and not self.draining


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The gateway at one moment. Times in seconds since the epoch; nothing secret."""

    health: Health
    version: str
    started: float
    workers: int
    config_file: str
    config_loaded: float
    store: str
    """Where token state lives, without user or password."""
    routes: Sequence[Mapping[str, Any]]
    """In file order: name, path, upstream and whatever else tells an operator which rule is which."""
    metrics: Mapping[str, Any]
    """As `gateway.observe.metrics.merge` returns it."""
    providers: Sequence[str] = ()
    """Names of the identity providers."""
    declared_keys: Sequence[Mapping[str, Any]] = ()
    """The API keys that stand in the configuration: id, user, roles, scopes, routes, expires (None: never), blocked."""
    last_reload: ReloadReport | None = None
    """None: the file has not been loaded again since the start."""


@dataclass(frozen=True, slots=True)
class RestartReport:
    """What became of a rolling restart of the workers."""

    done: bool
    workers: int
    problem: str = ""
    """Why it was given up; the workers that were not replaced yet serve on."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a decision: path, endpoint, route, credential, requirements, headers or upstream."""

    part: str
    verdict: str
    """A sentence for a person, without any credential's value."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a request, and why. Nothing is sent upstream, no token is spent, nothing is counted."""

    outcome: str
    """forward, endpoint or refuse."""
    status: int = 0
    """What a refusal answers; 0 where an upstream or an endpoint would decide."""
    route: str = ""
    upstream: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as an operator sees it. Its id ends it and opens nothing. Times in seconds since the epoch."""

    id: str
    login: str
    provider: str
    user_id: str
    user: str
    tenant: str
    created: float
    expires: float | None
    """None: it has no absolute end."""


@dataclass(frozen=True, slots=True)
class BanView:
    """A ban as an operator sees it."""

    scope: str
    """account: this account from this address; address: everybody from there."""
    provider: str
    user_id: str
    """Empty for an address, and for a name that nobody has logged in by."""
    address: str
    until: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Lifting:
    """Which bans an operator lifts: what is given narrows the choice, and nothing given means all."""

    user: str = ""
    """A name or id."""
    provider: str = ""
    """Whose user; any where it is empty."""
    address: str = ""


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key as an operator sees it: never the key itself. Times in seconds since the epoch."""

    id: str
    user: str
    """The name that the ERP and the logs see."""
    roles: Sequence[str] = ()
    scopes: Sequence[str] = ()
    routes: Sequence[str] = ()
    """Names of those it is limited to; empty for all."""
    created: float = 0.0
    expires: float | None = None
    """None: it has no end."""


class Control(Protocol):
    """The data path as the admin listener sees it: a direct call in one process.

    Every method may raise `gateway.errors.GatewayError` (`StoreUnavailable` above all), which the API answers.
    """

    async def health(self) -> Health:
        """Answers without asking the store: what is known now."""

    async def snapshot(self) -> Snapshot:
        """Figures of all workers."""

    async def reload(self) -> ReloadReport:
        """Load the file again, now."""

    async def restart(self) -> RestartReport:
        """Replace every worker, one after the other, without losing a request; the file is not loaded again."""

    async def explain(self, method: str, target: str, headers: Sequence[tuple[str, str]]) -> Explanation:
        """Judge a request as if it had come in on the public listener."""

    async def drain(self) -> None:
        """Stop taking new connections, finish what is under way, and end the process. Returns at once."""

    async def sessions(self, provider: str, user_id: str) -> Sequence[SessionView]:
        """The live sessions of one user."""

    async def revoke_session(self, session_id: str) -> bool:
        """End one; False if there was none."""

    async def revoke_user(self, provider: str, user_id: str) -> None:
        """End all sessions of a user, those included that are not listed."""

    async def revoke_named(self, user: str, provider: str) -> None:
        """End all sessions of the user of that name or id; `provider` may be empty where there is only one.

        Raises NotFound for nobody, BadRequest where the provider has to be named.
        """

    async def revoke_tenant(self, tenant: str) -> None:
        """End all sessions in a tenant."""

    async def revoke_all(self) -> None:
        """End every session."""

    async def keys(self) -> Sequence[KeyView]:
        """The API keys that were made and are live, the oldest first; declared ones stand in the configuration."""

    async def make_key(self, wanted: KeyView) -> str:
        """Make an API key; what it says is known to nobody but the caller. Raises BadRequest."""

    async def revoke_key(self, key_id: str) -> bool:
        """End a made key; False if there was none."""

    async def bans(self) -> Sequence[BanView]:
        """All that are in force, the one that ends first coming first."""

    async def lift_bans(self, which: Lifting) -> int:
        """End bans before their time; returns how many were in force."""
