"""A configuration that changes under a running gateway."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.erp import Erp, answer
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import LOGINS, PASSWORD
from fakes.waiting import eventually

CONFIG = """\
logs: {{access: ./access.log, audit: ./audit.log}}
{logins}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /orders/**, upstream: erp, anonymous: ["/orders/open/**"]}}
"""
MORE = '  - {name: more, path: /more/**, upstream: erp, anonymous: ["/more/**"]}\n'


@pytest.fixture(scope="module")
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture(scope="module")
def config(erp):
    return CONFIG.format(logins=LOGINS, port=erp.port)


@pytest.fixture(scope="module")
def running(erp, config, tmp_path_factory):
    gateway = GatewayProcess(tmp_path_factory.mktemp("reload"), config).start()
    yield gateway
    gateway.stop()


@pytest.fixture
async def gateway(running, config, erp):
    erp.forget()
    yield running
    replace(running, config)
    await reloaded(running, "success")


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


def replace(gateway, text):
    """As editors and Kubernetes do: a whole new file takes the old one's name."""
    new = gateway.directory / "config.new"
    new.write_text(text)
    new.rename(gateway.directory / "config.yaml")


def figure(gateway, name):
    text = PlainClient(gateway.admin_port, host="localhost").get("/metrics").body.decode()
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), 0.0)


async def reloaded(gateway, result):
    """Ask by signal, and wait for the verdict."""
    name = f'gateway_config_reloads_total{{result="{result}"}}'
    before = figure(gateway, name)
    gateway.process.send_signal(signal.SIGHUP)
    await eventually(lambda: figure(gateway, name) > before)


async def test_sighup_takes_a_new_file_over(gateway, client, config):
    assert client.get("/more/x").status == 404

    replace(gateway, config + MORE)
    await reloaded(gateway, "success")

    assert client.get("/more/x").status == 200


async def test_a_file_that_is_replaced_is_noticed(gateway, client, config):
    replace(gateway, config + MORE)

    await eventually(lambda: client.get("/more/x").status == 200)


@pytest.mark.parametrize(
    "text",
    ["", "routes: [", "routes: []\n", "nonsense", "&a [*a]"],
    ids=["empty", "truncated", "no upstreams", "no mapping", "recursive"],
)
async def test_a_faulty_file_changes_nothing(gateway, client, text):
    replace(gateway, text)
    await reloaded(gateway, "failure")

    assert client.get("/orders/open/x").status == 200
    assert client.get("/orders/x").status == 401
    assert figure(gateway, "gateway_config_last_reload_success ") == 0.0
    assert PlainClient(gateway.admin_port, host="localhost").get("/readyz").status == 200


async def test_a_missing_file_changes_nothing(gateway, client):
    (gateway.directory / "config.yaml").unlink()
    await reloaded(gateway, "failure")

    assert client.get("/orders/open/x").status == 200


async def test_a_file_that_only_building_refuses_changes_nothing(gateway, client, config):
    replace(gateway, config.replace("/orders/**", "/orders/**/x"))
    await reloaded(gateway, "failure")

    assert client.get("/orders/open/x").status == 200


async def test_tokens_outlive_a_reload_and_sessions_of_a_removed_login_do_not(gateway, client, config):
    kept = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"]
    lost = client.post("/opaque/login", {"username": "ada", "password": PASSWORD}).json["access_token"]
    assert client.get("/orders/x", bearer(lost)).status == 200

    replace(gateway, "".join(line for line in config.splitlines(keepends=True) if "opaque:" not in line))
    await reloaded(gateway, "success")

    assert client.get("/orders/x", bearer(kept)).status == 200
    assert client.get("/orders/x", bearer(lost)).status == 401
    assert client.post("/opaque/login", {"username": "ada", "password": PASSWORD}).status == 404


async def test_roles_that_a_user_lost_are_gone_with_the_next_refresh(gateway, client, erp, config):
    pair = client.post("/auth/login", {"username": "bob", "password": PASSWORD}).json

    replace(
        gateway, config.replace("id: 102,", "id: 102, scopes: [new],").replace("roles: [warehouse]}", "roles: []}", 1)
    )
    await reloaded(gateway, "success")
    token = client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).json["access_token"]
    client.get("/orders/x", bearer(token))

    assert erp.last.all("X-Auth-Roles") == []
    assert erp.last.one("X-Auth-Scopes") == "new"


async def test_an_exchange_under_way_keeps_the_rules_it_began_with(gateway, client, erp, config):
    go_on = threading.Event()
    erp.answers["/orders/open/slow"] = lambda _: go_on.wait(60) and answer(200, b"old", [("Server", "odoo")])
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(client.get, "/orders/open/slow")
        await eventually(lambda: erp.seen)

        replace(gateway, config.replace("/orders", "/elsewhere"))
        await reloaded(gateway, "success")
        assert client.get("/orders/open/x").status == 404
        go_on.set()

        assert pending.result(60).body == b"old"


async def test_a_kept_connection_gets_the_new_rules(gateway, client, config):
    with client.connect() as conversation:
        for _ in range(3):
            assert conversation.ask("GET", "/orders/open/x", [("Accept", "*/*")]).status == 200

        replace(gateway, config.replace('anonymous: ["/orders/open/**"]', "anonymous: []"))
        await reloaded(gateway, "success")

        assert conversation.ask("GET", "/orders/open/x", [("Accept", "*/*")]).status == 401


async def test_reloads_under_load_fail_nobody(gateway, client, config):
    """HAProxy's seamless reload, as a test: the right route answers each request, whichever file is in force."""
    token = bearer(client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"])
    stop, answered, failed = threading.Event(), [], []

    def load():
        with client.connect() as conversation:
            while not stop.is_set():
                for path, status in (("/orders/x", 200), ("/orders/open/x", 200), ("/nowhere", 404)):
                    found = conversation.ask("GET", path, [token] if path == "/orders/x" else [])
                    answered.append(found.status)
                    if found.status != status:
                        failed.append((path, found))

    name = 'gateway_config_reloads_total{result="success"}'
    before = figure(gateway, name)
    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(load) for _ in range(3)]
        admin = PlainClient(gateway.admin_port, host=f"127.0.0.1:{gateway.admin_port}")
        admin_token = bearer((gateway.directory / "state" / "admin.token").read_text().strip())
        for turn in range(100):
            replace(gateway, config + MORE * (turn % 2))
            assert admin.post("/api/v1/reload", None, admin_token).status == 200
        stop.set()
        for worker in workers:
            worker.result(60)

    assert failed == []
    assert len(answered) > 100
    assert figure(gateway, name) >= before + 100
