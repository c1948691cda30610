"""The gateway as it is measured: its config, and real tokens got through its own login endpoints."""

import hashlib
import http.client
import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import processes
from argon2 import PasswordHasher
from peers import SECRET, Peer, Place
from processes import PROXY_CORE, free_port

ROOT = Path(__file__).resolve().parent.parent
API_KEY = "bench-scanner-key-0123456789abcdef"
PASSWORD = "bench-password"


@dataclass(frozen=True)
class Credentials:
    """One of each kind, alive for the whole run."""

    jwt: str
    opaque: str


def gateway(place: Place, name: str, *, log: bool, workers: int = 1, cores: str = str(PROXY_CORE)) -> Peer:
    """With the store that all gateways of this run share; its access log goes to a file."""
    port, admin = free_port(), free_port()
    folder = place.folder / name
    folder.mkdir()
    config = folder / "config.yaml"
    written = _config(place, port, folder, log=log)
    written["server"]["workers"] = workers
    written["admin"] = {"listen": f"127.0.0.1:{admin}"}
    config.write_text(json.dumps(written))  # JSON is YAML
    argv = [sys.executable, "-m", "gateway", "run", "-c", str(config)]
    env = {"PYTHONPATH": str(ROOT)}
    program = processes.start(name, argv, folder, core=cores, port=port, env=env)
    _wait_until_ready(admin)
    program.pids = processes.tree(program.process.pid)  # the socket was there before the workers
    return Peer(name, port, [program], admin)


def _wait_until_ready(admin: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the gateway is not ready")


def _config(place: Place, port: int, folder: Path, *, log: bool) -> dict:
    user = {"username": "bench", "id": 101, "password_hash": _password_hash(), "roles": ["sales"]}
    login = {"dialect": "native", "identity_provider": "staff", "access_ttl": "1h"}
    key_hash = "sha256:" + hashlib.sha256(API_KEY.encode()).hexdigest()
    return {
        "server": {
            "listen": f"127.0.0.1:{port}",
            "public_url": "http://bench.invalid",
            "timeouts": {"idle": "10m"},
            "limits": {"connections": 20000},
        },
        "logs": {"access": str(folder / "access.log") if log else "off", "audit": "off", "level": "warning"},
        "store": {"url": f"redis://127.0.0.1:{place.redis}", "encryption_key": SECRET},
        "signing_keys": [{"kid": "k1", "algorithm": "HS256", "secret": SECRET}],
        "identity_providers": {"staff": {"type": "users", "users": [user]}},
        "api_keys": [{"id": "scanner-1", "hash": key_hash, "user": "scanner", "roles": ["warehouse"]}],
        "logins": {
            "jwt": {**login, "path": "/auth", "token_format": "jwt"},
            "opaque": {**login, "path": "/opaque", "token_format": "opaque"},
            "logins": {**login, "path": "/logins", "protection": {"max_failures": 100}},
            "many": {**login, "path": "/many", "token_format": "jwt", "refresh": {"rotate": False}},
        },
        "upstreams": {"erp": {"servers": [f"http://127.0.0.1:{place.upstream}"]}},
        "routes": [
            {"name": "public", "path": "/public/**", "upstream": "erp", "anonymous": ["GET /public/**"]},
            {"name": "erp", "path": "/**", "upstream": "erp", "credentials": ["bearer", "api_key", "access_token"]},
        ],
    }


def log_in(port: int) -> Credentials:
    return Credentials(jwt=log_in_at(port, "/auth")["access_token"], opaque=log_in_at(port, "/opaque")["access_token"])


@cache
def _password_hash() -> str:
    """The same for all: another hash is another password, which ends the sessions of the first."""
    return PasswordHasher().hash(PASSWORD)


def many_tokens(port: int, sessions: int, per_session: int) -> list[str]:
    """Access tokens that no worker has seen: each session is refreshed many times without rotation."""
    tokens: list[str] = []
    for _ in range(sessions):
        refresh_token = log_in_at(port, "/many")["refresh_token"]
        connection = http.client.HTTPConnection("127.0.0.1", port)
        body = {"refresh_token": refresh_token}
        tokens += [_post(connection, "/many/refresh", body)["access_token"] for _ in range(per_session)]
        connection.close()
    return tokens


def log_in_at(port: int, path: str) -> dict[str, str]:
    """A login with the password, on a connection of its own. Raises RuntimeError if it was refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        return _post(connection, f"{path}/login", {"username": "bench", "password": PASSWORD})
    finally:
        connection.close()


def _post(connection: http.client.HTTPConnection, path: str, body: dict[str, str]) -> dict[str, str]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {text[:200]!r}")
    return json.loads(text)
