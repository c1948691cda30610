"""What a login, a refresh, a request cold and warm, and a logout ask of Redis, counted on a real one."""

from chaos.rig_nodes import PASSWORD
from chaos.rig_wire import Wire, bearer, post, request


class Operations:
    """One client at one node, with sessions that another node has opened."""

    def __init__(self, rig, here, elsewhere):
        self._user = rig.users[0]
        self._here, self._elsewhere = here, elsewhere
        self._pairs = []

    async def __aenter__(self):
        self._wire = await Wire.open(self._here.address)
        self._other = await Wire.open(self._elsewhere.address)
        return self

    async def __aexit__(self, *_):
        await self._wire.end()
        await self._other.end()

    async def prepare(self, count):
        """So many sessions that the node has never seen."""
        self._pairs = [await self._logged_in(self._other) for _ in range(count)]

    async def login(self, _):
        await self._logged_in(self._wire)

    async def refresh(self, number):
        refresh_token = self._pairs[number]["refresh_token"]
        await self._ok(post("/auth/refresh", {"refresh_token": refresh_token}))

    async def request(self, number):
        await self._ok(request("GET", "/echo/plain/cost", bearer(self._pairs[number]["access_token"])))

    async def api_key(self, _):
        await self._ok(request("GET", "/echo/plain/cost", f"X-API-Key: {self._user.api_key}\r\n".encode()))

    async def logout(self, number):
        await self._ok(request("POST", "/auth/logout", bearer(self._pairs[number]["access_token"]), b""))

    async def _logged_in(self, wire):
        answer = await wire.ask(post("/auth/login", {"username": self._user.name, "password": PASSWORD}))
        assert answer.status == 200, answer.body
        return answer.json

    async def _ok(self, raw):
        answer = await self._wire.ask(raw)
        assert answer.status in {200, 204}, answer.body


async def costs(rig, tap, times):
    """Name of the operation -> its cost at the node behind the tap, which is the last."""
    async with Operations(rig, rig.nodes[-1], rig.nodes[0]) as here:
        await here.login(0)  # the scripts are loaded now
        await here.prepare(times)
        found = {"a login": await tap.cost(here.login, times)}
        found["a cold request"] = await tap.cost(here.request, times)
        found["a warm request"] = await tap.cost(here.request, times)
        found["an API key"] = await tap.cost(here.api_key, times)
        found["a refresh"] = await tap.cost(here.refresh, times)
        found["a logout"] = await tap.cost(here.logout, times)
        return found
