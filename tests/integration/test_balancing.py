"""Several servers behind one upstream: turns, failures, health checks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.erp import Erp, answer
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient
from fakes.ports import free_port
from fakes.waiting import eventually

CONFIG = """\
logs: {{access: ./access.log, audit: ./audit.log}}
upstreams:
  turns: {{servers: ["http://127.0.0.1:{a}", "http://127.0.0.1:{b}"]}}
  least: {{servers: ["http://127.0.0.1:{a}", "http://127.0.0.1:{b}"], balance: least_connections}}
  half: {{servers: ["http://127.0.0.1:{closed}", "http://127.0.0.1:{a}"]}}
  checked: {{servers: ["http://127.0.0.1:{a}", "http://127.0.0.1:{b}"], health_check: {{path: /health, interval: 50ms}}}}
routes:
  - {{name: turns, path: /turns/**, upstream: turns, public: true}}
  - {{name: least, path: /least/**, upstream: least, public: true}}
  - {{name: half, path: /half/**, upstream: half, public: true}}
  - {{name: checked, path: /checked/**, upstream: checked, public: true}}
"""


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    a, b = Erp(name="a"), Erp(name="b")
    config = CONFIG.format(a=a.port, b=b.port, closed=free_port())
    gateway = GatewayProcess(tmp_path_factory.mktemp("balancing"), config).start()
    yield gateway, a, b
    gateway.stop()
    a.stop()
    b.stop()


@pytest.fixture
def servers(setting):
    _, a, b = setting
    a.forget()
    b.forget()
    return a, b


@pytest.fixture
def gateway(setting):
    return setting[0]


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


def asked(server, path="/turns/x"):
    return sum(seen.target == path for seen in server.seen)


def test_servers_take_turns(client, servers):
    for _ in range(10):
        assert client.get("/turns/x").status == 200

    assert [asked(server) for server in servers] == [5, 5]


def test_the_least_busy_server_is_asked(client, servers):
    a, b = servers
    go_on = threading.Event()
    a.answers["/least/slow"] = b.answers["/least/slow"] = lambda _: go_on.wait(60) and answer()
    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(client.get, "/least/slow") for _ in range(4)]
        while asked(a, "/least/slow") + asked(b, "/least/slow") < 4:
            pass
        go_on.set()
        assert {each.result(60).status for each in pending} == {200}

    assert [asked(server, "/least/slow") for server in servers] == [2, 2]


def test_a_server_that_refuses_is_passed_over_and_nobody_notices(client, servers):
    for method in ("GET", "POST"):
        for _ in range(4):
            assert client.ask(method, "/half/x", body=b"x" if method == "POST" else None).status == 200

    assert asked(servers[0], "/half/x") == 8


async def test_a_server_that_fails_its_check_gets_nothing_until_it_passes(gateway, client, servers):
    a, b = servers
    admin = PlainClient(gateway.admin_port, host="localhost")

    def up():
        lines = admin.get("/metrics").body.decode().splitlines()
        ours = [line for line in lines if line.startswith("gateway_upstream_up{") and a.url in line]
        return next(float(line.split()[-1]) for line in ours if '"checked"' in line)

    a.answers["/health"] = answer(500)
    await eventually(lambda: up() == 0.0)
    for _ in range(4):
        assert client.get("/checked/x").status == 200
    assert [asked(server, "/checked/x") for server in servers] == [0, 4]
    assert client.get("/turns/x").status == 200  # another upstream's verdict

    b.answers["/health"] = answer(503)
    await eventually(lambda: client.get("/checked/x").status == 503)
    assert client.get("/checked/x").one("Retry-After")
    assert admin.get("/readyz").status == 200

    a.answers["/health"] = answer(404)  # any answer below 500 is one of a server that is up
    await eventually(lambda: up() == 1.0)
    assert client.get("/checked/x").status == 200
