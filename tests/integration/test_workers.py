"""Two workers behind one socket: killed, stuck, orphaned, reloaded, and asked as one."""

import asyncio
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest
from fakes.authority import write_certificates
from fakes.erp import Erp, answer
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD
from fakes.steady_load import SteadyLoad
from fakes.waiting import eventually
from fakes.workers import both_serve, crew_config, metrics, workers_of


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture
def gateway(erp, tmp_path):
    gateway = GatewayProcess(tmp_path, crew_config(erp.port)).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


def requests(gateway):
    return sum(value for name, value in metrics(gateway).items() if name.startswith("gateway_requests_total"))


async def test_a_worker_killed_under_load_takes_nobody_elses_connections_along(gateway):
    async with SteadyLoad(gateway.port, busy=8, slow=4) as load:
        await load.more(100)
        await eventually(lambda: sum(connections(gateway)) >= 12)
        killed = workers_of(gateway)[0]

        os.kill(killed, signal.SIGKILL)
        await load.more(200)
        await both_serve(gateway, [killed])
        await load.more(100)

    assert set(load.statuses) == {200}
    assert len(load.failures) <= 9, "those of the killed worker, which had about half of twelve"
    assert len(workers_of(gateway)) == 2


def connections(gateway):
    figures = metrics(gateway)
    return [figures[f'gateway_worker_connections{{worker="{number}"}}'] for number in (1, 2)]


async def test_each_worker_serves_its_share(gateway):
    async with SteadyLoad(gateway.port, busy=0, slow=32) as load:
        await load.more(64)
        shares = await eventually(lambda: (c := connections(gateway)) and sum(c) == 32 and c)

    assert min(shares) >= 0.4 * 32


async def test_who_waits_to_be_accepted_outlives_the_workers(gateway, client):
    """The socket is the supervisor's: a connection that no worker has accepted is reset by none of them."""
    pids = workers_of(gateway)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [client.connect() for _ in range(5)]
    for conversation in waiting:
        conversation.socket.settimeout(60)
        conversation.send(b"GET /open/x HTTP/1.1\r\nHost: erp.example\r\n\r\n")

    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    answers = await asyncio.gather(*(asyncio.to_thread(conversation.receive) for conversation in waiting))
    assert [answer.status for answer in answers] == [200] * 5
    for conversation in waiting:
        conversation.close()


async def test_no_counter_ever_falls(gateway):
    seen = []
    async with SteadyLoad(gateway.port, busy=4, slow=0) as load:
        for _ in range(3):
            await load.more(50)
            seen.append(await asyncio.to_thread(requests, gateway))
            killed = workers_of(gateway)[0]
            os.kill(killed, signal.SIGKILL)
            seen += [await asyncio.to_thread(requests, gateway) for _ in range(5)]
            await both_serve(gateway, [killed])
            seen.append(await asyncio.to_thread(requests, gateway))

    assert seen == sorted(seen)
    assert seen[0] > 0


async def test_a_worker_comes_back_with_what_is_in_force_while_the_file_is_broken(gateway, client):
    file = gateway.directory / "config.yaml"
    file.write_text(file.read_text()[:100])
    pids = workers_of(gateway)

    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await both_serve(gateway, pids)

    assert client.get("/open/x").status == 200
    assert client.post("/auth/login", {"username": "ada", "password": PASSWORD}).status == 200


async def test_a_worker_comes_back_with_the_certificate_in_force_while_its_file_is_broken(erp, tmp_path):
    write_certificates(tmp_path)
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    tls = "server: {tls: {certificate_file: cert.pem, private_key_file: key.pem}, "
    gateway = GatewayProcess(tmp_path, crew_config(erp.port).replace("server: {", tls)).start()
    (tmp_path / "cert.pem").write_text("nonsense")
    await eventually(lambda: "the old one stays in force" in gateway.stderr)
    pids = workers_of(gateway)

    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await both_serve(gateway, pids)

    client = PlainClient(gateway.port, lambda sock: context.wrap_socket(sock, server_hostname="127.0.0.1"))
    assert client.get("/open/x").status == 200
    gateway.stop()


async def test_a_changed_file_is_in_force_in_all_workers_and_in_later_ones(gateway, client):
    file = gateway.directory / "config.yaml"
    file.write_text(file.read_text().replace('anonymous: ["/open/**"]', 'anonymous: ["/free/**"]'))

    gateway.process.send_signal(signal.SIGHUP)
    await eventually(lambda: "configuration reloaded (SIGHUP)" in gateway.stderr)
    await eventually(lambda: {client.get("/open/x").status for _ in range(8)} == {401})

    pids = workers_of(gateway)
    os.kill(pids[0], signal.SIGKILL)
    await both_serve(gateway, pids[:1])
    assert {client.get("/open/x").status for _ in range(8)} == {401}
    assert {client.get("/free/x").status for _ in range(8)} == {200}


async def test_no_secret_is_among_a_workers_arguments_or_variables(erp, tmp_path):
    secret = "a-signing-secret-of-32-characters-or-more"
    keys = f"signing_keys: [{{kid: k1, algorithm: HS256, secret: {secret}}}]\n"
    gateway = GatewayProcess(tmp_path, crew_config(erp.port) + keys).start()

    for pid in workers_of(gateway):
        shown = [(Path("/proc") / str(pid) / name).read_bytes() for name in ("cmdline", "environ")]
        assert secret.encode() not in b"".join(shown)

    login = PlainClient(gateway.port).post("/auth/login", {"username": "ada", "password": PASSWORD})
    assert login.status == 200
    gateway.stop()


async def test_without_its_supervisor_no_worker_stays_and_the_port_is_free(gateway):
    pids = workers_of(gateway)

    gateway.process.kill()
    gateway.process.wait()

    await eventually(lambda: not any(map(is_alive, pids)), seconds=60)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", gateway.port))
        sock.listen()
    gateway.start()  # the store that it left behind is taken over
    assert PlainClient(gateway.port).get("/open/x").status == 200


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_session_lives_and_dies_in_all_workers(gateway, client):
    """On the embedded store, whose secrets were made by the supervisor and are read by all."""
    pair = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json
    token = bearer(pair["access_token"])
    conversations = [client.connect() for _ in range(8)]  # so many that each worker has some
    assert min(connections_soon(gateway, 8)) > 0
    assert {one.ask("GET", "/x", [token]).status for one in conversations} == {200}

    assert client.post("/auth/logout", None, token).status == 204

    await eventually(lambda: {one.ask("GET", "/x", [token]).status for one in conversations} == {401})
    assert client.post("/auth/refresh", {"refresh_token": pair["refresh_token"]}).status == 401
    for one in conversations:
        one.close()


def connections_soon(gateway, count):
    for _ in range(100):
        found = connections(gateway)
        if sum(found) >= count:
            return found
    raise AssertionError(found)


async def test_sigterm_lets_every_worker_finish(erp, gateway, client):
    held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_):
        asyncio.run_coroutine_threadsafe(held.wait(), loop).result(60)
        return answer(200, b"finished")

    erp.answers["/open/slow"] = slow
    pending = [asyncio.ensure_future(asyncio.to_thread(client.get, "/open/slow")) for _ in range(6)]
    await eventually(lambda: len(erp.seen) == 6)

    gateway.process.send_signal(signal.SIGTERM)
    admin = PlainClient(gateway.admin_port, host="localhost")
    await eventually(lambda: admin.get("/readyz").status == 503)
    await eventually(lambda: is_refused(gateway.port))
    held.set()

    answers = await asyncio.gather(*pending)
    assert {(each.status, each.body, each.one("Connection")) for each in answers} == {(200, b"finished", "close")}
    assert await asyncio.to_thread(gateway.process.wait, 60) == 0


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


def test_workers_that_cannot_start_end_the_gateway_with_their_reason(erp, tmp_path):
    gateway = GatewayProcess(tmp_path, crew_config(erp.port))
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif sys.argv[1:] and '-m' in sys.orig_argv and 'gateway.app.worker' in sys.orig_argv:\n    os._exit(7)\n"
    )
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        gateway.launch()
    finally:
        del os.environ["PYTHONPATH"]

    assert gateway.process.wait(100) == 1

    assert gateway.stderr.strip().splitlines()[-1] == "gateway: no worker can be started: exit code 7"
