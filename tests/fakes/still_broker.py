"""A broker that always gives the same answers, so that a dialect's bytes can be pinned; it keeps what it was asked."""

from gateway.errors import ClientRejected, LoginRejected, RefreshRejected, StoreUnavailable
from gateway.model import Identity, OAuthClient, Session, TokenKind, TokenPair
from gateway.tokens.cache import Verified
from gateway.tokens.issuer import Introspection

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
CLIENT = OAuthClient("portal", "hash", frozenset(("password", "client_credentials", "refresh_token")))
IDENTITY = Identity(
    "staff", "101", "ada", "bearer", frozenset(("sales",)), frozenset(("rest-api", "reports")), "GardenWorld", "native",
    session_id=SESSION.id,
)  # fmt: skip


class StillBroker:
    """Knows the user ada with password right, the client portal with secret right, the tokens ACCESS and REFRESH."""

    def __init__(self):
        self.asked = []
        self.away = False
        self.pair = PAIR

    def _ask(self, *what):
        self.asked.append(what)
        if self.away:
            raise StoreUnavailable("the store is away")

    async def login(self, username, password, call, client=None, scopes=None):
        self._ask("login", username, password, client, scopes)
        if (username, password) != ("ada", "right"):
            raise LoginRejected
        return self.pair

    async def client_login(self, client, call, scopes=None):
        self._ask("client_login", client, scopes)
        return TokenPair(SESSION, "ACCESS", 900)

    async def refresh(self, token, call, client=None, scopes=None):
        self._ask("refresh", token, client, scopes)
        if token != "REFRESH":
            raise RefreshRejected("unknown")
        return self.pair

    async def authenticate(self, token):
        self._ask("authenticate", token)
        return Verified(IDENTITY, 1_800_000_900.5, SESSION.id) if token == b"ACCESS" else None

    async def authenticate_client(self, client_id, secret):
        self._ask("authenticate_client", client_id, secret)
        if (client_id, secret) != ("portal", "right"):
            raise ClientRejected("unknown")
        return CLIENT

    async def logout(self, verified, call):
        self._ask("logout", verified.session_id)

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
