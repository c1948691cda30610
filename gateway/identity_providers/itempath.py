"""Identity provider `itempath`: signs in at ItemPath's user API and keeps its access token fresh."""

from gateway.errors import AccountLocked, ErpNonsense
from gateway.identity_providers.contract import ErpAccounts, ErpOptions, Path, ProviderTools
from gateway.identity_providers.erp_answers import (
    bearer,
    json_body,
    jwt_renew_at,
    read_object,
    text_in,
    token_in,
)
from gateway.model import Account, Call, ErpSession


class ItemPathOptions(ErpOptions):
    """The options of `type: itempath`."""

    path: Path = "/api/users"


class ItemPath(ErpAccounts):
    """An ErpProvider over /api/users. There is no logout: a session ends with its tokens."""

    Options = ItemPathOptions
    headers = frozenset({"authorization"})
    cookies: frozenset[str] = frozenset()

    def __init__(self, options: ItemPathOptions, tools: ProviderTools) -> None:
        super().__init__(options, tools)
        self._path = options.path

    async def verify(self, username: str, password: str, call: Call) -> Account | None:
        """The account, None for a wrong name or password (404 here). Raises AccountLocked, ErpDown and kin."""
        body = json_body({"username": username, "password": password})
        answer = await self._ask("POST", f"{self._path}/login", body=body, address=call.client_address)
        if answer.status in {401, 404}:
            return None
        if answer.status in {403, 423}:
            raise AccountLocked(f"itempath: status {answer.status}")
        if answer.status != 200:
            raise ErpNonsense(f"itempath: status {answer.status} from the login")
        told = read_object(answer, "itempath")
        if told.get("login") is False:
            return None
        known = told.get("id")
        user_id = str(known) if isinstance(known, int | str) and not isinstance(known, bool) and known else username
        refresh = token_in(told, "refreshToken", "itempath")
        session = self._session(token_in(told, "accessToken", "itempath"), refresh)
        return self._account(user_id, text_in(told, "username") or username, session)

    async def renew(self, erp: ErpSession) -> ErpSession | None:
        """A new access token for the refresh token, which stays. The method is not documented: POST, else GET."""
        refresh = text_in(erp.secrets, "refresh")
        if not refresh:
            return None
        answer = await self._ask("POST", f"{self._path}/refresh", token=refresh)
        if answer.status == 405:
            answer = await self._ask("GET", f"{self._path}/refresh", token=refresh)
        if answer.status in {401, 422}:
            return None
        if answer.status != 200:
            raise ErpNonsense(f"itempath: status {answer.status} from the refresh")
        return self._session(token_in(read_object(answer, "itempath"), "accessToken", "itempath"), refresh)

    async def endless(self, erp: ErpSession) -> ErpSession | None:
        """With an application token of the user's own, where ItemPath gives one: to users of type application."""
        answer = await self._ask("POST", f"{self._path}/application-token", token=text_in(erp.secrets, "refresh"))
        if answer.status in {400, 401, 403, 404, 405, 422}:  # what others are told is not documented
            return None
        if answer.status != 200:
            raise ErpNonsense(f"itempath: status {answer.status} from application-token")
        return self._session(token_in(read_object(answer, "itempath"), "token", "itempath"), "")

    async def destroy(self, erp: ErpSession) -> None:
        """ItemPath has no logout."""

    def _session(self, access: str, refresh: str) -> ErpSession:
        return ErpSession(
            headers=tuple(bearer(access).items()),
            renew_at=jwt_renew_at(self._clock(), access),
            secrets={"refresh": refresh},
        )
