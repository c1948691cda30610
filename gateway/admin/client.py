"""The command line's side of the admin API: finds the listener and the token by the configuration file."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.addresses import Address
from gateway.config.load import load_admin_address, load_place
from gateway.config.store import StoreConfig
from gateway.state.directory import StoreRefused, secrets_in

TOKEN_FILE = "admin.token"  # noqa: S105 - a file's name
"""Where the admin token is kept that was made at the first start, in the embedded store's directory."""

TIMEOUT_SECONDS = 60.0
"""A reload with a hundred hashes to check and a store to reach takes seconds at worst."""


HEALTH_SECONDS = 4.0
"""A health check that is answered later than this has failed: Docker and Kubernetes wait a few seconds themselves."""


class AdminUnreachable(Exception):
    """The running gateway cannot be asked; the message is for the operator."""


class AdminRefused(Exception):
    """The running gateway answered with an error; the message is its own."""


class AdminClient:
    """Asks one running gateway. One connection per question."""

    def __init__(self, host: str, port: int, token: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """Without a token it can ask for health and metrics only. `timeout` in seconds, for each wait."""
        self._host = host
        self._port = port
        self._token = token
        self._timeout = timeout

    def ask(self, method: str, path: str, body: Any = None, *, accept: tuple[int, ...] = ()) -> Any:
        """The JSON answer. Raises AdminUnreachable, and AdminRefused for an error whose status is not in `accept`."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            value = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or error
            raise AdminUnreachable(f"no gateway answers on {self._host}:{self._port}: {reason}") from error
        except ValueError as error:
            raise AdminUnreachable(f"what listens on {self._host}:{self._port} is not a gateway") from error
        finally:
            connection.close()
        if answer.status >= 400 and answer.status not in accept:
            said = value.get("error_description") if isinstance(value, dict) else None
            raise AdminRefused(f"the gateway answered {answer.status}: {said or answer.reason}")
        return value


def client_for(path: Path, environ: Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> AdminClient:
    """The client for the gateway that runs with this file. Raises AdminUnreachable without a token, ConfigRefused."""
    admin, store, base = load_place(path, environ)
    token = admin.token.reveal() or _made_token(store, base)
    return AdminClient(_host(admin.listen), admin.listen.port, token, timeout=timeout)


def health_of(path: Path, environ: Mapping[str, str], *, live: bool = False) -> dict[str, Any]:
    """What `/readyz`, or with `live` `/healthz`, answers for the gateway of this file; no token or secret is needed.

    Raises AdminUnreachable, AdminRefused, ConfigRefused.
    """
    listen = load_admin_address(path, environ)
    client = AdminClient(_host(listen), listen.port, token="", timeout=HEALTH_SECONDS)
    found = client.ask("GET", "/healthz" if live else "/readyz", accept=(503,))
    if not isinstance(found, dict) or not isinstance(found.get("status"), str):
        raise AdminUnreachable(f"what listens on {listen} is not a gateway")
    return found


def _host(listen: Address) -> str:
    """Where every address is listened on, this machine is asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - recognised, not bound to


def _made_token(store: StoreConfig, base: Path) -> str:
    if not store.is_embedded:
        raise AdminUnreachable("the admin API is off: set admin.token")
    directory = base / store.url.removeprefix("embedded://")
    try:
        token = secrets_in(directory).load(TOKEN_FILE)
    except StoreRefused as error:
        raise AdminUnreachable(str(error)) from None
    if token is None:
        raise AdminUnreachable(f"there is no admin token in {directory}: has the gateway been started?")
    return token
