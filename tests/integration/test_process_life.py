"""Start, drain and stop of the process, and a store that comes, goes and comes back."""

import asyncio
import signal
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.erp import Erp, answer
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.ports import free_port
from fakes.servers import redis_program
from fakes.small_shop import LOGINS, PASSWORD, SCANNER_KEY
from fakes.waiting import eventually

SECRET = "0123456789abcdef0123456789abcdef"
CONFIG = """\
server: {{public_url: "http://erp.example", timeouts: {{drain: 5s}}}}
store: {store}
logs: {{access: ./access.log, audit: ./audit.log}}
{keys}
{logins}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /**, upstream: erp, credentials: [bearer, api_key, access_token], anonymous: ["/open/**"]}}
"""
KEYS = f'signing_keys: [{{kid: k1, algorithm: HS256, secret: "{SECRET}"}}]'


def embedded(erp):
    return CONFIG.format(store="{url: embedded://state}", keys="", logins=LOGINS, port=erp.port)


def on_redis(erp, port):
    store = f'{{url: "redis://127.0.0.1:{port}", encryption_key: "{SECRET}", timeout: 2s}}'
    return CONFIG.format(store=store, keys=KEYS, logins=LOGINS, port=erp.port)


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture
def launch(tmp_path):
    launched = []

    def launch(config, *, wait=True):
        directory = tmp_path / f"gateway-{len(launched)}"
        directory.mkdir()
        gateway = GatewayProcess(directory, config)
        launched.append(gateway)
        return gateway.start() if wait else gateway.launch()

    yield launch
    for gateway in launched:
        gateway.stop()


class Redis:
    """Debian's redis-server on a port of its own."""

    def __init__(self, directory):
        self.port = free_port()
        self._command = [redis_program(), "--port", str(self.port), "--save", "", "--dir", str(directory)]
        self._command += ["--appendonly", "no", "--bind", "127.0.0.1"]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis(tmp_path):
    redis = Redis(tmp_path)
    yield redis
    redis.stop()


async def test_sigterm_lets_an_exchange_finish_and_takes_no_new_ones(erp, launch):
    gateway = launch(embedded(erp))
    client = PlainClient(gateway.port)
    arrived, go_on = threading.Event(), threading.Event()

    def slow(_):
        arrived.set()
        go_on.wait(60)
        return answer(200, b"finished")

    erp.answers["/open/slow"] = slow
    idle = client.connect()
    assert idle.ask("GET", "/open/x").status == 200
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(client.get, "/open/slow")
        await asyncio.to_thread(arrived.wait, 10)

        gateway.process.send_signal(signal.SIGTERM)

        await eventually(lambda: is_refused(gateway.port))
        assert idle.at_end()
        readiness = PlainClient(gateway.admin_port, host="localhost").get("/readyz")
        assert readiness.status == 503
        go_on.set()
        finished = pending.result(60)
    idle.close()

    assert (finished.status, finished.body) == (200, b"finished")
    assert finished.one("Connection") == "close"
    assert gateway.process.wait(60) == 0
    assert '"status":200' in (gateway.directory / "access.log").read_text().splitlines()[-1]


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


async def test_what_does_not_finish_is_cut_when_the_drain_time_is_over(erp, launch):
    gateway = launch(embedded(erp).replace("drain: 5s", "drain: 300ms"))
    go_on = threading.Event()
    erp.answers["/open/slow"] = lambda _: go_on.wait(30) and None
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(PlainClient(gateway.port).get, "/open/slow")
        await eventually(lambda: erp.seen)

        gateway.process.send_signal(signal.SIGTERM)

        assert gateway.process.wait(60) == 0
        with pytest.raises((EOFError, ConnectionError)):
            pending.result(60)
    go_on.set()


@pytest.mark.parametrize("key", ["server", "admin"])
def test_a_port_in_use_is_said_and_ends_with_1(erp, launch, key):
    first = launch(embedded(erp))
    port = first.port if key == "server" else first.admin_port
    directory = first.directory.parent / "second"
    directory.mkdir()
    second = GatewayProcess(directory, embedded(erp))
    second._command += ["--set", f"{key}.listen=127.0.0.1:{port}"]

    assert second.launch().process.wait(60) == 1

    assert second.stderr.strip().splitlines()[-1] == (
        f"gateway: {key}.listen: cannot listen on 127.0.0.1:{port}: Address already in use"
    )
    assert "Traceback" not in second.stderr


def test_a_faulty_file_is_told_with_line_and_column_and_ends_with_1(erp, launch):
    gateway = launch(embedded(erp).replace("upstream: erp", "upstream: epr"), wait=False)

    assert gateway.process.wait(60) == 1

    assert 'routes[0].upstream: no upstream named "epr"; did you mean "erp"?' in gateway.stderr
    assert "Traceback" not in gateway.stderr


async def test_it_starts_without_redis_and_recovers_by_itself(erp, launch, redis):
    gateway = launch(on_redis(erp, redis.port), wait=False)
    client, admin = PlainClient(gateway.port), PlainClient(gateway.admin_port, host="localhost")
    await eventually(lambda: not is_refused(gateway.port))

    assert admin.get("/healthz").status == 200
    assert admin.get("/readyz").status == 503
    assert client.get("/open/x").status == 200
    assert client.get("/x", ("X-API-Key", SCANNER_KEY)).status == 200
    assert client.get("/x").status == 401
    refused = client.post("/auth/login", {"username": "ada", "password": PASSWORD})
    assert (refused.status, refused.json["error"]) == (503, "temporarily_unavailable")
    assert int(refused.one("Retry-After")) >= 1

    redis.start()
    await eventually(lambda: admin.get("/readyz").status == 200)
    token = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"]
    assert client.get("/x", bearer(token)).status == 200
    assert "the store does not answer yet" in gateway.stderr


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_an_outage_of_the_store_is_a_503_and_never_a_401(erp, launch, redis, how):
    redis.start()
    gateway = launch(on_redis(erp, redis.port))
    client, admin = PlainClient(gateway.port), PlainClient(gateway.admin_port, host="localhost")
    pair = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json
    token = bearer(pair["access_token"])
    assert client.get("/x", token).status == 200

    redis.process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    await eventually(lambda: admin.get("/readyz").status == 503)

    for ask in (
        lambda: client.get("/x", token),
        lambda: client.get(f"/x?access_token={pair['access_token']}"),
        lambda: client.get("/open/x", token),
        lambda: client.get("/auth/me", token),
        lambda: client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}),
        lambda: client.post("/auth/logout", None, token),
    ):
        refused = ask()
        assert (refused.status, refused.json["error"]) == (503, "temporarily_unavailable")
        assert refused.one("Retry-After")
        assert refused.all("Set-Cookie") == refused.all("WWW-Authenticate") == []
    assert client.get("/x", bearer("gwa_" + "A" * 44)).status == 401  # garbage needs no store to be told
    assert client.get("/open/x").status == 200
    assert "gateway_store_up 0.0" in admin.get("/metrics").body.decode()

    if how == "frozen":  # nothing was lost, and nothing was consumed
        redis.process.send_signal(signal.SIGCONT)
        await eventually(lambda: admin.get("/readyz").status == 200)
        assert client.get("/x", token).status == 200
        assert client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).status == 200


async def test_two_gateways_on_one_redis_are_one(erp, launch, redis):
    redis.start()
    one, other = (PlainClient(launch(on_redis(erp, redis.port)).port) for _ in range(2))
    pair = one.post("/auth/login", {"username": "ada", "password": PASSWORD}).json
    token = bearer(pair["access_token"])
    assert one.get("/x", token).status == other.get("/x", token).status == 200

    assert other.post("/auth/logout", None, token).status == 204

    async def is_dead():
        return one.get("/x", token).status == 401

    await eventually(is_dead)
    assert one.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).status == 401


def test_sessions_survive_a_restart(erp, launch):
    gateway = launch(embedded(erp))
    client = PlainClient(gateway.port)
    pair = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json
    ended = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json
    client.post("/auth/logout", None, bearer(ended["access_token"]))

    assert gateway.stop() == 0
    gateway.start()

    assert client.get("/x", bearer(pair["access_token"])).status == 200
    assert client.get("/x", bearer(ended["access_token"])).status == 401
    assert client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).status == 200
