"""Identity provider `jmix`: signs in with the password grant of Jmix 1.x (/oauth) or 2.x (/oauth2)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.config.secret import Secret
from gateway.config.values import Line
from gateway.errors import AccountLocked, ErpNonsense
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, Path, ProviderTools
from gateway.identity_providers.erp_answers import (
    FORM_HEADERS,
    basic,
    bearer,
    form_body,
    read_object,
    renew_at,
    text_in,
    token_in,
)
from gateway.model import Account, Call, ErpAnswer, ErpSession

_LOCKED: Final = re.compile(r"\b(?:locked|disabled|expired)\b", re.IGNORECASE)
"""Spring Security's words for accounts that are shut although the password was right."""
_DEAD: Final = frozenset({"invalid_grant", "invalid_token"})


class JmixOptions(ErpOptions):
    """The options of `type: jmix`; the path tells the generation."""

    path: Path = "/oauth"
    client_id: Line = "client"
    client_secret: Secret


class Jmix(ErpAccounts):
    """An ErpProvider over an OAuth2 token endpoint with opaque tokens. A user's id is the name that was typed.

    Jmix tells no other id, and whether names that differ in case are one user is the application's own rule.
    """

    Options = JmixOptions
    headers = frozenset({"authorization"})
    cookies: frozenset[str] = frozenset()

    def __init__(self, options: JmixOptions, tools: ProviderTools) -> None:
        super().__init__(options, tools)
        self._path = options.path
        self._own = {**FORM_HEADERS, **basic(options.client_id, options.client_secret.reveal())}

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, None for a wrong name or password. Raises AccountLocked, ErpDown and kin."""
        answer = await self._token(
            grant_type="password", username=username, password=password, address=call.client_address
        )
        if answer.status == 200:
            return self._account(username, username, self._session(read_object(answer, "jmix")))
        error = read_object(answer, "jmix")
        if answer.status == 400 and error.get("error") == "invalid_grant":
            if _LOCKED.search(text_in(error, "error_description")):
                raise AccountLocked("jmix: the account is shut")
            return None
        if answer.status == 400 and error.get("error") == "invalid_request" and not (username and password):
            return None
        raise _unexpected(answer)

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """Refresh; Jmix answers the same refresh token or another one, and the old access token is dead at once."""
        refresh = text_in(erp.secrets, "refresh")
        if not refresh:
            return None
        answer = await self._token(grant_type="refresh_token", refresh_token=refresh)
        told = read_object(answer, "jmix")
        if answer.status == 200:
            return self._session({"refresh_token": refresh, **told})
        if answer.status in {400, 401} and told.get("error") in _DEAD:
            return None
        raise _unexpected(answer)

    async def destroy(self, erp: ErpSession) -> None:
        """Revoke the refresh token, which kills both; the access token where there is no other."""
        token = text_in(erp.secrets, "refresh") or text_in(erp.secrets, "access")
        await self._ask("POST", f"{self._path}/revoke", body=form_body(token=token), headers=self._own)

    def _session(self, told: Mapping[str, Any]) -> ErpSession:
        access = token_in(told, "access_token", "jmix")
        refresh = token_in(told, "refresh_token", "jmix") if told.get("refresh_token") else ""
        return ErpSession(
            headers=tuple(bearer(access).items()),
            renew_at=renew_at(self._clock(), told.get("expires_in")),
            secrets={"access": access, "refresh": refresh},
        )

    async def _token(self, *, address: str = "", **fields: str) -> ErpAnswer:
        return await self._ask(
            "POST", f"{self._path}/token", body=form_body(**fields), headers=self._own, address=address
        )


def _unexpected(answer: ErpAnswer) -> ErpNonsense:
    """Such as a 401: it is the gateway's own client that Jmix does not know, and nothing against the user."""
    return ErpNonsense(f"jmix: status {answer.status} from the token endpoint; are client_id and client_secret right?")
