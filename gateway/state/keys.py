"""How keys are named: one hash tag per session, digests instead of user and tenant names."""

from dataclasses import dataclass
from hashlib import sha256
from math import inf

NEVER = 1e15
"""How an infinite expiry is written: Lua and sorted sets have no portable infinity, and this is past any clock."""


def owner_tag(provider: str, user_id: str) -> str:
    """64 bits for a user: (provider, id), length-prefixed, so that no two pairs spell the same input."""
    return sha256(f"{len(provider)}:{provider}{user_id}".encode(errors="surrogatepass")).hexdigest()[:16]


def account_tag(provider: str, *, user_id: str = "", name: str = "") -> str:
    """What the counters of failed logins know an account by: its id, or else its canonical name."""
    return owner_tag(provider, f"id {user_id}" if user_id else f"name {name}")


def tenant_tag(tenant: str) -> str:
    """64 bits for a tenant, "-" for none. A collision could only end a stranger's session, never open one."""
    return sha256(tenant.encode(errors="surrogatepass")).hexdigest()[:16] if tenant else "-"


def write_time(moment: float) -> str:
    """Spell seconds since the epoch for the store."""
    return repr(min(float(moment), NEVER))


def read_time(text: bytes | str) -> float:
    """Seconds since the epoch, inf for never. Raises ValueError for what is no number."""
    moment = float(text)
    return inf if moment >= NEVER else moment


@dataclass(frozen=True, slots=True)
class Pointer:
    """What `t:{hash}` holds, immutable: where a token's session is, and whose marks to read along with it."""

    session_id: str
    owner: str
    tenant: str
    expires_at: float

    def dump(self) -> str:
        """Write the pointer."""
        return f"{self.session_id} {self.owner} {self.tenant} {write_time(self.expires_at)}"

    @classmethod
    def load(cls, value: bytes | None) -> "Pointer | None":
        """Read a pointer; None for none, and for what is not one."""
        try:
            session_id, owner, tenant, expires_at = (value or b"").decode().split(" ")
            return cls(session_id, owner, tenant, read_time(expires_at))
        except ValueError:
            return None


class Keys:
    """Every key and channel under one prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.channel = prefix + "feed"
        self.mark_all = prefix + "n:all"

    def token(self, token_hash: str) -> str:
        """The pointer of a token."""
        return f"{self._prefix}t:{token_hash}"

    def session(self, session_id: str) -> str:
        """The session: id, meta, opened, end, revoked, and its tokens by hash."""
        return f"{self._prefix}s:{{{session_id}}}"

    def spent(self, session_id: str) -> str:
        """The session's spent refresh tokens, a list of hashes, newest first."""
        return f"{self._prefix}x:{{{session_id}}}"

    def grace(self, session_id: str) -> str:
        """The sealed successors that may still be replayed, by spent hash."""
        return f"{self._prefix}g:{{{session_id}}}"

    def of_session(self, session_id: str) -> tuple[str, str, str]:
        """All three, in the order in which scripts take them."""
        return self.session(session_id), self.spent(session_id), self.grace(session_id)

    @property
    def erp_index(self) -> str:
        """Sorted set: ids of sessions with an ERP session, by their end. A hint."""
        return f"{self._prefix}e"

    @property
    def made_keys(self) -> str:
        """Sorted set: sessions of API keys that were made, by their end. A hint."""
        return f"{self._prefix}k"

    def user_index(self, owner: str) -> str:
        """Sorted set: session ids of a user by their end. A hint."""
        return f"{self._prefix}u:{owner}"

    def tenant_index(self, tenant: str) -> str:
        """Sorted set: session ids of a tenant by their end. A hint."""
        return f"{self._prefix}w:{tenant}"

    def indexes(self, owner: str, tenant: str) -> tuple[str, ...]:
        """Every index that lists a session of this user and tenant."""
        return (self.user_index(owner), *((self.tenant_index(tenant),) if tenant != "-" else ()))

    def mark_user(self, owner: str) -> str:
        """The not-before mark of a user."""
        return f"{self._prefix}n:u:{owner}"

    def mark_tenant(self, tenant: str) -> str:
        """The not-before mark of a tenant."""
        return f"{self._prefix}n:t:{tenant}"

    def marks(self, owner: str, tenant: str) -> tuple[str, ...]:
        """Every mark that can end a session of this user and tenant."""
        return (self.mark_all, self.mark_user(owner), *((self.mark_tenant(tenant),) if tenant != "-" else ()))

    def beat(self, listener: str) -> str:
        """The channel on which one feed hears its own heartbeat, so that beats are not fanned out to all."""
        return f"{self._prefix}feed:{listener}"

    @property
    def pulse(self) -> str:
        """What heartbeats name as their key, so that only a master that may write passes them on. Never written."""
        return f"{self._prefix}beat"

    def failures(self, account: str, address: str) -> tuple[str, str]:
        """Failed logins of an account from an address, and of the address over all accounts; one slot."""
        everyone = f"{self._prefix}f:{{{sha256(address.encode()).hexdigest()[:16]}}}"
        return everyone + account, everyone

    @property
    def bans(self) -> str:
        """Sorted set: what was banned, by the end of the ban. A hint."""
        return f"{self._prefix}b"

    def failures_anywhere(self, account: str) -> str:
        """Failed logins of an account, wherever they came from."""
        return f"{self._prefix}fa:{account}"

    def named(self, name: str) -> str:
        """The id of the user who last logged in under a name."""
        return f"{self._prefix}fn:{name}"
