"""What a request carries, and who judges it, without a request or a store."""

from gateway.errors import Reason, StoreUnavailable
from gateway.model import Identity
from gateway.tokens.cache import Verified


class Presented:
    """A request as the sources see it, by default a GET of no browser."""

    def __init__(self, authorization=None, api_key=None, cookie=None, url_token=None, **more):
        self.authorization = authorization
        self.api_key = api_key
        self.cookie = cookie
        self.url_token = url_token
        self.set_cookie = None
        self.method = "GET"
        self.upgrade = self.origin = self.fetch_site = None
        self.has_body = False
        self.own_origin = b"https://gate.example"
        for name, value in more.items():
            setattr(self, name, value)


def verified(user="ada", login="native", user_id="101", **fields):
    return Verified(
        Identity("staff", user_id, user, "bearer", login=login, **fields), 2e9, f"session of {user}", "hash"
    )


class StillTokens:
    """Cache and verifier at once: `warm` tokens are found without asking, `cold` ones by asking."""

    def __init__(self, warm=(), cold=()):
        self.warm = dict(warm)
        self.cold = dict(cold)
        self.away = False
        self.last_known = {}
        self.now = 1_800_000_000.0

    def clock(self):
        return self.now

    def get(self, token):
        return self.warm.get(token)

    async def verify(self, token, *, in_outage=False):
        if self.away:
            if in_outage and token in self.last_known:
                return self.last_known[token]
            raise StoreUnavailable("the store is away")
        found = self.cold.get(token) or self.warm.get(token)
        return found or (Reason.UNKNOWN if self.is_ours(token) else Reason.MALFORMED)

    def is_ours(self, token):
        return token in self.warm or token in self.cold or token.startswith(b"gwa_")
