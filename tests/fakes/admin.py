"""A small data path behind a real admin listener."""

import aiohttp
import pytest

from gateway.admin.control import BanView, Explanation, Health, KeyView, RestartReport, SessionView, Snapshot, Step
from gateway.admin.guard import Guard
from gateway.admin.listener import Listener, make_app
from gateway.errors import Unavailable
from gateway.observe.metrics import Metrics
from gateway.reload import ReloadReport

TOKEN = "0123456789abcdef0123456789abcdef"


DECLARED = {
    "id": "scales",
    "user": "weigher",
    "roles": [],
    "scopes": [],
    "routes": [],
    "expires": None,
    "blocked": False,
}


def route(name, **rest):
    """As a snapshot tells of one."""
    usual = {"methods": [], "hosts": [], "upstream": "odoo", "credentials": ["bearer", "api_key"], "logins": []}
    return {"name": name, "path": f"/{name}/**", **usual, "anonymous": [], "public": False, **rest}


class Gateway:
    """A data path small enough to look into: what the admin listener reaches through its control."""

    def __init__(self):
        self.is_up = True
        self.time = 0.0
        self.is_draining = False
        self.is_stale = False
        self.is_listening = True
        self.upstreams = {"odoo": (1, 2)}
        self.store_fails = False
        self.report = ReloadReport(accepted=True, at=1.0, changes=("~ routes[a].path: /a -> /b",))
        self.restarted = RestartReport(done=True, workers=2)
        self.explained = []
        self.revoked = []
        self.banned = [
            BanView("account", "staff", "101", "192.0.2.7", 60.0),
            BanView("account", "staff", "", "192.0.2.8", 61.0),
            BanView("address", "", "", "2001:db8::", 62.0),
        ]
        self.lifted = []
        self.made = [KeyView("scanner-1", "scanner", ("warehouse",), (), ("orders",), 60.0, None)]
        self.providers = ["staff"]
        self.routes = [route("orders"), route("pictures", credentials=["access_token"], anonymous=["GET /open/**"])]
        self.declared = [DECLARED]
        self.last_reload = None
        self.workers = 0
        self.live = {"s1": SessionView("s1", "native", "staff", "101", "GardenAdmin", "", 1.0, None)}

    async def health(self):
        return Health(
            self.is_up,
            self.is_draining,
            config_stale=self.is_stale,
            listening=self.is_listening,
            upstreams=self.upstreams,
        )

    async def snapshot(self):
        metrics = Metrics()
        metrics.requests["orders", "GET", 200] = 7
        metrics.watch("upstream_up", lambda: {("odoo", "http://10.0.0.1:8069"): 1, ("odoo", "http://10.0.0.2:8069"): 0})
        metrics.watch("feed_up", lambda: {(): float(self.is_up)})
        metrics.watch("worker_up", lambda: {(str(number + 1),): 1 for number in range(self.workers)})
        return Snapshot(
            await self.health(),
            "1.0",
            1.0,
            1,
            "config.yaml",
            2.0,
            "embedded://state",
            self.routes,
            metrics.snapshot(),
            providers=self.providers,
            declared_keys=self.declared,
            last_reload=self.last_reload,
        )

    async def reload(self):
        self.last_reload = self.report
        return self.report

    async def restart(self):
        return self.restarted

    async def explain(self, method, target, headers):
        self.explained.append((method, target, headers))
        return Explanation("forward", route="orders", steps=(Step("route", "first match"),))

    async def drain(self):
        self.is_draining = True

    async def sessions(self, provider, user_id):
        if self.store_fails:
            raise Unavailable(retry_after=1)
        return [view for view in self.live.values() if (view.provider, view.user_id) == (provider, user_id)]

    async def revoke_session(self, session_id):
        return self.live.pop(session_id, None) is not None

    async def revoke_user(self, provider, user_id):
        self.revoked.append((provider, user_id))

    async def revoke_named(self, user, provider):
        self.revoked.append((user, provider))

    async def revoke_tenant(self, tenant):
        self.revoked.append(tenant)

    async def revoke_all(self):
        raise RuntimeError("a secret detail")

    async def keys(self):
        return self.made

    async def make_key(self, wanted):
        self.made.append(wanted)
        return "gwk_" + wanted.id + "_secret"

    async def revoke_key(self, key_id):
        return key_id == "scanner-1"

    async def bans(self):
        return self.banned

    async def lift_bans(self, which):
        self.lifted.append(which)
        return len(self.banned)


class Admin:
    """A listener on a real port, and a client that knows the token."""

    def __init__(self, gateway, session, port):
        self.gateway = gateway
        self.port = port
        self._session = session

    async def ask(self, method, path, *, token=TOKEN, **options):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        async with self._session.request(
            method, f"http://127.0.0.1:{self.port}{path}", headers=headers, **options
        ) as answer:
            await answer.read()
            return answer


@pytest.fixture
async def listen():
    """Starts listeners with the guard a test wants."""
    started = []
    session = aiohttp.ClientSession()

    async def start(listen="127.0.0.1:8081", hosts=(), token=TOKEN):
        gateway = Gateway()
        listener = Listener(make_app(gateway, Guard(listen, hosts, token, lambda: gateway.time)))
        started.append(listener)
        return Admin(gateway, session, await listener.start("127.0.0.1", 0))

    yield start
    await session.close()
    for listener in started:
        await listener.stop()


@pytest.fixture
async def admin(listen):
    return await listen()
