"""An injector of ERP sessions that needs no ERP: sessions called s1, s2 … of a cookie and a header."""

import asyncio

from gateway.errors import CredentialsRejected, Forbidden
from gateway.model import ErpSession
from gateway.upstream.erp_credential import Credential


def credential(name, *, trusted=False):
    erp = ErpSession(headers=(("Authorization", f"Bearer {name}"),), cookies=(("session_id", name),))
    return Credential(erp, name, doubted=trusted)


class StillErp:
    """`current` is the only credential; a 401 says that it has ended, and a body that begins with EXPIRED, too."""

    owns = frozenset({b"authorization"})
    owns_cookies = frozenset({b"session_id"})

    def __init__(self, *, warm=True, ends=False):
        self.provider = self
        self.current = credential("s1")
        self.warm = warm
        self.ends = ends
        self.forbids = False
        self.renewed = 0
        self.adopted = []

    def ready(self, identity):
        if self.forbids:
            raise Forbidden("not here")
        return self.current if self.warm else None

    async def fetch(self, identity):
        await asyncio.sleep(0)
        return self.current

    async def renew(self, identity, used):
        await asyncio.sleep(0)
        self.renewed += 1
        if self.ends:
            raise CredentialsRejected("it is over")
        self.current = credential(f"s{self.renewed + 1}", trusted=True)
        return self.current

    def adopt(self, identity, used, cookies):
        self.adopted.append((used.version, cookies))

    def says_expired(self, status, headers, start):
        if status == 200 and headers.get(b"content-type") == b"application/json":
            return None if start is None else start.startswith(b"EXPIRED")
        return status == 401


def busy(wired):
    """The upstream connection with an exchange on it, None where there is none."""
    working = wired.server.open - set(wired.server.idle)
    return next((each for each in working if not each.transport.is_closing()), None)
