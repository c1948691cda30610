"""A broker that always gives the same answers, so that a dialect's bytes can be pinned; it keeps what it was asked."""

from gateway.errors import (
    ClientRejected,
    CredentialsRejected,
    Forbidden,
    LoginRejected,
    Reason,
    RefreshRejected,
    StoreUnavailable,
)
from gateway.model import (
    ACCOUNTS_OWN,
    PLAIN_REFRESH,
    Account,
    Identity,
    OAuthClient,
    Session,
    TokenKind,
    TokenPair,
)
from gateway.tokens.cache import Verified
from gateway.tokens.issuer import Introspection
from gateway.tokens.live import LiveToken
from gateway.tokens.verifier import wrong_kind

SESSION = Session(
    id="store-session-id",
    login="native",
    provider="staff",
    user_id="101",
    user="ada",
    created=1_800_000_000.25,
    absolute_expiry=1_807_776_000.25,
    roles=("sales",),
    scopes=("rest-api", "reports"),
    tenant="GardenWorld",
    client_id="portal",
)
ENDLESS = Session("endless", "native", "staff", "101", "ada", created=1_700_000_000.0)
PAIR = TokenPair(SESSION, "ACCESS", 900, "REFRESH")
ACCOUNT = Account("staff", "101", "ada", roles=("sales",), scopes=("rest-api", "reports"))
KINDS = {
    b"ACCESS": TokenKind.ACCESS,
    b"REFRESH": TokenKind.REFRESH,
    b"PREAUTH": TokenKind.PREAUTH,
    b"APPLICATION": TokenKind.APPLICATION,
}
CLIENT = OAuthClient("portal", "hash", frozenset(("password", "client_credentials", "refresh_token")))
IDENTITY = Identity(
    "staff", "101", "ada", "bearer", frozenset(("sales",)), frozenset(("rest-api", "reports")), "GardenWorld", "native",
    session_id=SESSION.id,
)  # fmt: skip


class StillBroker:
    """Knows the user ada with password right, the client portal with secret right, and the tokens of KINDS; `account` and `pair` may be changed."""

    def __init__(self):
        self.asked = []
        self.away = False
        self.pair = PAIR
        self.account = ACCOUNT

    def _ask(self, *what):
        self.asked.append(what)
        if self.away:
            raise StoreUnavailable("the store is away")

    async def login(self, username, password, call, client=None, scopes=None):
        self._ask("login", username, password, client, scopes)
        if (username, password) != ("ada", "right"):
            raise LoginRejected
        return self.pair

    async def verify_password(self, username, password, call, client=None):
        self._ask("verify_password", username, password, client)
        if (username, password) != ("ada", "right"):
            raise LoginRejected
        return self.account

    async def open(self, account, call, choice=ACCOUNTS_OWN, client=None, *, refresh=True):
        self._ask("open", account, choice, client, refresh)
        return self.pair

    async def open_preauth(self, account, call, context=None):
        self._ask("open_preauth", account, context)
        return "PREAUTH"

    async def finalize(self, live, account, call, choice):
        self._ask("finalize", live.kind, account, choice)
        return self.pair

    async def account_of(self, session):
        self._ask("account_of", session)
        return self.account

    async def client_login(self, client, call, scopes=None, context=None, *, refresh=False):
        self._ask("client_login", client, scopes, *([context, refresh] if context or refresh else []))
        return self.pair if refresh else TokenPair(SESSION, "ACCESS", 900)

    async def application_token(self, live, call):
        self._ask("application_token", live.kind)
        if self.account.type != "application":
            raise Forbidden("not an application")
        return "APPLICATION"

    async def slide(self, verified):
        self._ask("slide", verified.session_id)
        return verified.expires_at

    async def refresh(self, token, call, client=None, scopes=None, rules=PLAIN_REFRESH):
        self._ask("refresh", token, client, scopes)
        if token == "REFRESH":
            rules.before(self.pair.session)
        if token != "REFRESH":
            raise RefreshRejected("unknown")
        return self.pair

    async def authenticate(self, token):
        self._ask("authenticate", token)
        if token != b"ACCESS":
            raise CredentialsRejected("unknown", reason=Reason.UNKNOWN)
        return Verified(IDENTITY, 1_800_000_900.5, SESSION.id, "hash")

    async def live(self, token, *kinds):
        self._ask("live", token, kinds)
        kind = KINDS.get(token)
        if kind is None:
            raise CredentialsRejected("unknown", reason=Reason.MALFORMED)
        if kind not in kinds:
            raise CredentialsRejected("kind", reason=wrong_kind(kind))
        return LiveToken(kind, self.pair.session, 1_800_000_900.25, "hash", {})

    async def authenticate_client(self, readings, call):
        self._ask("authenticate_client", *readings)
        if ("portal", "right") not in readings:
            raise ClientRejected("unknown")
        return CLIENT

    async def logout(self, verified, call):
        self._ask("logout", verified.session_id)

    async def logout_by_token(self, token, call):
        self._ask("logout_by_token", token)
        kind = KINDS.get(token)
        if kind is not TokenKind.ACCESS:
            raise CredentialsRejected("kind", reason=wrong_kind(kind) if kind else Reason.MALFORMED)
        return True

    async def revoke_any(self, token, client, call):
        self._ask("revoke_any", token, client)

    async def revoke(self, token, client, call):
        self._ask("revoke", token, client)

    async def introspect(self, token, client):
        self._ask("introspect", token, client)
        if token == "REFRESH":
            return Introspection(
                SESSION, TokenKind.REFRESH, 1_802_592_000.25, "https://gate.example/oauth2", "https://gate.example"
            )
        if token != "ACCESS":
            return None
        return Introspection(
            SESSION, TokenKind.ACCESS, 1_800_000_900.25, "https://gate.example/oauth2", "https://gate.example",
            issued_at=1_800_000_000, jti="unique",
        )  # fmt: skip

    async def sessions(self, identity):
        self._ask("sessions", identity)
        return [ENDLESS, SESSION]

    async def end_session(self, identity, public_id, call):
        self._ask("end_session", identity, public_id)
        return public_id == "known"

    async def end_all(self, identity, call):
        self._ask("end_all", identity)
