"""How a client of each dialect logs in, refreshes and logs out, said once for tests that run over all of them."""

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from urllib.parse import urlencode

from fakes.garden import ONE_STEP
from fakes.token_rig import CLIENT_SECRET, PASSWORD, call

USER = "GardenAdmin"
_BODY_CLIENT = {"client_id": "portal", "client_secret": CLIENT_SECRET}
_BASIC = {"authorization": "Basic " + b64encode(f"portal:{CLIENT_SECRET}".encode()).decode()}


@dataclass(frozen=True)
class Said:
    """What an endpoint answered: `ok`, `away` (503) or `refused`, and the tokens of an `ok`."""

    what: str
    access: str = ""
    refresh: str = ""


class Speaker:
    """Native, and what the other dialects change. `sends` are (endpoint, members) for each thing to do."""

    form = False
    headers = MappingProxyType({})
    names = ("access_token", "refresh_token")
    login = ("/login", {"username": USER, "password": PASSWORD})
    renewal = ("/refresh", {})

    def __init__(self, rig, name):
        self.rig = rig
        self._login = rig.logins[name]

    async def ask(self, suffix, members, **headers):
        raw = urlencode(members) if self.form else json.dumps(members)
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        asked = call("POST", suffix, raw.encode(), content_type=kind, **self.headers, **headers)
        reply = await self._login.handler("POST", suffix)(asked)
        if reply.status in {200, 204}:
            told = json.loads(reply.body or b"{}")
            return Said("ok", *(told.get(name, "") for name in self.names))
        return Said("away" if reply.status == 503 else "refused")

    async def log_in(self):
        return await self.ask(*self.login)

    async def refresh(self, said):
        suffix, members = self.renewal
        return await self.ask(suffix, {**members, "refresh_token": said.refresh})

    async def log_out(self, said):
        return await self.ask("/logout", {}, authorization=f"Bearer {said.access}")

    async def end(self, said):
        """As an operator does, where the ERP has no logout."""
        found = await self.rig.store.find_refresh(sha256(said.refresh.encode()).hexdigest())
        await self.rig.store.revoke_session(found.session.id, "operator")
        return Said("ok")


class OAuth2Speaker(Speaker):
    form = True
    login = ("/token", {"grant_type": "password", "username": USER, "password": PASSWORD, **_BODY_CLIENT})
    renewal = ("/token", {"grant_type": "refresh_token", **_BODY_CLIENT})

    async def log_out(self, said):
        return await self.ask("/revoke", {"token": said.refresh, **_BODY_CLIENT})


class JdxSpeaker(OAuth2Speaker):
    login = ("/token", {"grant_type": "client_credentials", **_BODY_CLIENT})
    log_out = Speaker.end


class JmixSpeaker(Speaker):
    form = True
    headers = _BASIC
    login = ("/token", {"grant_type": "password", "username": USER, "password": PASSWORD})
    renewal = ("/token", {"grant_type": "refresh_token"})

    async def log_out(self, said):
        return await self.ask("/revoke", {"token": said.refresh})


class IdempiereSpeaker(Speaker):
    names = ("token", "refresh_token")
    login = ("/tokens", {"userName": USER, "password": PASSWORD, "parameters": ONE_STEP})

    async def log_out(self, said):
        return await self.ask("/logout", {"token": said.access})


class ItemPathSpeaker(Speaker):
    names = ("accessToken", "refreshToken")
    log_out = Speaker.end

    async def refresh(self, said):
        renewed = await self.ask("/refresh", {}, authorization=f"Bearer {said.refresh}")
        return renewed if renewed.refresh else Said(renewed.what, renewed.access, said.refresh)


SPEAKERS = {
    "native": Speaker,
    "oauth2": OAuth2Speaker,
    "idempiere": IdempiereSpeaker,
    "jdx": JdxSpeaker,
    "itempath": ItemPathSpeaker,
    "jmix": JmixSpeaker,
}
"""Every dialect that has refresh tokens."""
