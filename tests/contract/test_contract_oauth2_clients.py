"""Real OAuth2 client libraries, unmodified, against the oauth2 login on the real store."""

import asyncio
from base64 import b64encode
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from fakes.token_fixtures import checks, clock, rig, rig_with, store, valkey_url
from fakes.token_rig import CLIENT_SECRET, HASHER, PASSWORD, PUBLIC_URL
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from gateway.model import Call

__all__ = ["checks", "clock", "rig", "rig_with", "store", "valkey_url"]

TOKEN = f"{PUBLIC_URL}/oauth2/token"


class ToHandlers(BaseAdapter):
    """Hands a prepared request to the login's handlers on the event loop, as the proxy does."""

    def __init__(self, login, loop):
        super().__init__()
        self._login = login
        self._loop = loop

    def send(self, request, **_):
        target = urlsplit(request.url)
        body = request.body or b""
        call = Call(
            request.method,
            target.path,
            target.query,
            {name.lower(): str(value) for name, value in request.headers.items()},
            body if isinstance(body, bytes) else body.encode(),
        )
        endpoints = {**self._login.dialect.endpoints(), **self._login.dialect.well_known()}
        handler = endpoints[request.method, target.path.removeprefix("/oauth2")]
        reply = asyncio.run_coroutine_threadsafe(handler(call), self._loop).result(60)
        answer = requests.Response()
        answer.status_code, answer._content, answer.request, answer.url = reply.status, reply.body, request, request.url
        answer.headers.update({name.decode(): value.decode() for name, value in reply.headers})
        return answer

    def close(self):
        """Nothing is open."""


@pytest.fixture
async def run(rig):
    """Run a client's blocking code in a thread, with its session mounted on the handlers."""
    adapter = ToHandlers(rig.oauth2, asyncio.get_running_loop())

    async def run(session, work):
        session.mount("https://", adapter)
        return await asyncio.to_thread(work, session)

    return run


@pytest.mark.parametrize("in_body", [True, False])
async def test_requests_oauthlib_logs_in_and_refreshes(run, in_body):
    auth = None if in_body else HTTPBasicAuth("portal", CLIENT_SECRET.encode())
    extra = {"client_secret": CLIENT_SECRET} if in_body else {"auth": auth}

    def work(session):
        first = session.fetch_token(
            TOKEN, username="ada", password=PASSWORD, scope=["rest-api"], include_client_id=in_body or None, **extra
        )
        body = {"client_id": "portal", "client_secret": CLIENT_SECRET} if in_body else {}
        return first, session.refresh_token(TOKEN, refresh_token=first["refresh_token"], auth=auth, **body)

    first, second = await run(OAuth2Session(client=LegacyApplicationClient("portal")), work)

    assert first["access_token"] != second["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert (second["token_type"], second["expires_in"], list(second["scope"])) == ("Bearer", 900, ["rest-api"])


async def test_requests_oauthlib_gets_a_token_for_the_client_itself(run):
    session = OAuth2Session(client=BackendApplicationClient("portal"))

    token = await run(session, lambda it: it.fetch_token(TOKEN, client_secret=CLIENT_SECRET, include_client_id=True))

    assert token["access_token"]
    assert "refresh_token" not in token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_lives_a_whole_life(run, method):
    def work(session):
        first = session.fetch_token(TOKEN, username="ada", password=PASSWORD, grant_type="password")
        second = session.refresh_token(TOKEN, refresh_token=first["refresh_token"])
        live = session.introspect_token(f"{PUBLIC_URL}/oauth2/introspect", token=second["access_token"]).json()
        revoked = session.revoke_token(f"{PUBLIC_URL}/oauth2/revoke", token=second["refresh_token"])
        dead = session.introspect_token(f"{PUBLIC_URL}/oauth2/introspect", token=second["access_token"]).json()
        return live, revoked.status_code, dead

    live, revoked, dead = await run(AuthlibSession("portal", CLIENT_SECRET, token_endpoint_auth_method=method), work)

    assert (live["active"], live["username"], live["client_id"]) == (True, "ada", "portal")
    assert revoked == 200
    assert dead == {"active": False}


async def test_authlib_gets_a_token_for_the_client_itself(run):
    session = AuthlibSession("portal", CLIENT_SECRET, scope="rest-api")

    token = await run(session, lambda it: it.fetch_token(TOKEN, grant_type="client_credentials"))

    assert (token["scope"], token["expires_in"]) == ("rest-api", 900)


async def test_a_secret_in_plain_base64_works_unencoded(rig, run):
    """The usual way to make a secret, and one that form-decoding would break."""
    secret = b64encode(b"\xfb\xff" * 12).decode()
    assert "+" in secret
    registry = rig.oauth2.broker._clients
    registry._clients["portal"] = replace(registry._clients["portal"], secret_hash=HASHER.hash(secret))

    token = await run(
        AuthlibSession("portal", secret), lambda it: it.fetch_token(TOKEN, grant_type="client_credentials")
    )

    assert token["access_token"]
