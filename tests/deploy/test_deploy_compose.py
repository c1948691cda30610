"""deploy/compose.yaml: checked against the Compose specification, and its services started side by side without Docker."""

import re
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from fakes.deploy_tools import DEPLOY, said
from fakes.fronts import program, replaced
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.ports import free_port
from fakes.servers import redis_program
from redis import Redis
from redis.exceptions import RedisError

from gateway.config.load import load

FILE = DEPLOY / "compose.yaml"
HERE = DEPLOY / "compose"
SECRETS = ("admin-token", "encryption-key", "redis-password", "signing-secret")


def compose():
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    """What the script makes, beside a copy of it."""
    place = tmp_path_factory.mktemp("compose")
    script = place / "make-secrets"
    script.write_bytes((HERE / "make-secrets").read_bytes())
    for _ in range(2):  # a second run keeps what there is
        subprocess.run(["sh", script], check=True)
    return place / "secrets"


def test_it_fits_the_compose_specification():
    assert "ok" in said("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_every_container_is_confined():
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_there_are_two_gateways_one_redis_with_aof_a_load_balancer_and_the_demo_erp():
    services = compose()["services"]

    assert services["gateway"]["deploy"]["replicas"] == 2
    assert "--appendonly yes" in services["redis"]["command"][2]
    assert set(services) == {"gateway", "redis", "load-balancer", "demo-erp"}
    assert compose()["networks"]["back"]["internal"] is True
    assert [name for name, service in services.items() if "ports" in service] == ["load-balancer"]
    assert services["redis"]["networks"] == services["demo-erp"]["networks"] == ["back"]


def test_what_is_named_is_there():
    """Files, networks, volumes, secrets, other services."""
    found = compose()
    for service in found["services"].values():
        sources = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert all((DEPLOY / source).is_dir() for source in sources if source.startswith("."))
        assert {source for source in sources if not source.startswith(".")} <= set(found["volumes"])
        assert set(service["networks"]) <= set(found["networks"])
        assert set(service.get("secrets", ())) <= set(found["secrets"])
        assert set(service.get("depends_on", ())) <= set(found["services"])
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert set(found["secrets"]) == set(SECRETS)
    assert {entry["file"] for entry in found["secrets"].values()} == {f"./compose/secrets/{name}" for name in SECRETS}


def test_the_secrets_are_long_kept_and_closed_to_others(secrets):
    assert sorted(path.name for path in secrets.iterdir()) == sorted(SECRETS)
    assert len({path.read_text() for path in secrets.iterdir()}) == len(SECRETS)
    assert all(re.fullmatch("[0-9a-f]{64}", path.read_text()) for path in secrets.iterdir())
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    ignored = (DEPLOY.parent / ".gitignore").read_text().splitlines()
    assert "/deploy/compose/secrets/" in ignored


def test_it_is_given_longer_to_stop_than_it_drains(secrets):
    config = load_shipped(secrets)
    grace = compose()["services"]["gateway"]["stop_grace_period"]

    assert int(grace.removesuffix("s")) >= config.server.timeouts.drain + 10


def test_the_load_balancer_is_the_only_one_that_is_believed(secrets):
    (subnet,) = compose()["networks"]["front"]["ipam"]["config"]

    assert [str(network) for network in load_shipped(secrets).server.trusted_proxies] == [subnet["subnet"]]


def load_shipped(secrets):
    path = secrets.parent / "shipped.yaml"
    path.write_text((HERE / "gateway" / "config.yaml").read_text().replace("/run/secrets", str(secrets)))
    return load(path, {}).config


def test_the_gateway_accepts_its_configuration(secrets):
    load_shipped(secrets)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "-c", secrets.parent / "shipped.yaml"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


class Containers:
    """The services as processes: the commands and files of compose.yaml, with addresses in place of names."""

    def __init__(self, place, secrets):
        self.place, self.secrets = place, secrets
        self.redis_port, self.erp_port, self.port = free_port(), free_port(), free_port()
        self._processes = []
        self.gateways = []

    def start(self):
        self._redis()
        entry = compose()["services"]["demo-erp"]["entrypoint"]
        self._run([sys.executable, *entry[1:-1], f"127.0.0.1:{self.erp_port}"])
        self.gateways = [self._gateway(number) for number in (1, 2)]
        self._load_balancer()
        self.until(lambda: PlainClient(self.port).get("/public/ping").status == 200)
        return self

    def stop(self):
        for gateway in self.gateways:
            gateway.stop()
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert self.left_behind() == []

    def left_behind(self):
        """Processes that still work in a directory of these."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has just ended
                if str(self.place) in str((process / "cwd").readlink()):
                    found.append((process / "cmdline").read_bytes())
        return found

    def _run(self, command, **options):
        log = (self.place / f"{len(self._processes)}.log").open("wb")
        with log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, **options))

    def _redis(self):
        shell, option, script = compose()["services"]["redis"]["command"]
        (self.place / "data").mkdir()
        script = replaced(
            script.replace("$$", "$"),
            ("/run/secrets", self.secrets),
            ("--dir /data", f"--dir {self.place}/data --bind 127.0.0.1 --port {self.redis_port}"),
            ("exec redis-server", f"exec {redis_program()}"),
        )
        self._run([shell, option, script])
        password = (self.secrets / "redis-password").read_text()
        with Redis(port=self.redis_port, password=password) as redis:
            self.until(redis.ping)
            assert redis.config_get("appendonly") == {"appendonly": "yes"}
            assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert redis.info("server")["process_id"] == self._processes[-1].pid  # it is told itself when to stop

    def _gateway(self, number):
        directory = self.place / f"gateway-{number}"
        directory.mkdir()
        text = replaced(
            (HERE / "gateway" / "config.yaml").read_text(),
            ("/run/secrets", self.secrets),
            ("redis://redis:6379/0", f"redis://127.0.0.1:{self.redis_port}/0"),
            ("http://demo-erp:8090", f"http://127.0.0.1:{self.erp_port}"),
            ("172.30.8.0/24", "127.0.0.1"),
            ("http://127.0.0.1:8080", f"http://127.0.0.1:{self.port}"),
        )
        return GatewayProcess(directory, text).start()

    def _load_balancer(self):
        names = "\n".join(
            f"  server gateway{number} 127.0.0.1:{gateway.port} port {gateway.admin_port}"
            for number, gateway in enumerate(self.gateways)
        )
        text = replaced(
            (HERE / "haproxy" / "haproxy.cfg").read_text(),
            ("bind :8080", f"bind 127.0.0.1:{self.port}"),
            ("  server-template gateway 10 gateway:8080 resolvers docker init-addr libc,none", names),
        )
        (self.place / "haproxy.cfg").write_text(text)
        self._run([program("haproxy"), "-db", "-f", self.place / "haproxy.cfg"])

    def until(self, check):
        end = time.monotonic() + 30
        while True:
            try:
                if check():
                    return
            except (OSError, EOFError, RedisError, AssertionError):
                pass
            assert time.monotonic() < end, [path.read_text()[-500:] for path in self.place.glob("*.log")]
            time.sleep(0.05)


@pytest.fixture(scope="module")
def containers(tmp_path_factory, secrets):
    containers = Containers(tmp_path_factory.mktemp("containers"), secrets)
    try:
        yield containers.start()
    finally:
        containers.stop()


def served(gateway):
    return len(gateway.access_log())


def test_the_two_gateways_act_as_one(containers):
    client = PlainClient(containers.port)
    token = client.post("/auth/login", {"username": "GardenAdmin", "password": "GardenAdmin"}).json["access_token"]
    before = [served(gateway) for gateway in containers.gateways]

    answers = [client.get("/customers", bearer(token)).status for _ in range(20)]
    ended = client.post("/auth/logout", None, bearer(token)).status
    after = {client.get("/customers", bearer(token)).status for _ in range(10)}

    assert answers == [200] * 20
    assert ended in {200, 204}
    assert after == {401}
    for gateway, count in zip(containers.gateways, before, strict=True):
        containers.until(lambda gateway=gateway, count=count: served(gateway) > count)  # lines are written in batches


def test_what_a_client_claims_about_itself_never_arrives(containers):
    login = {"username": "GardenAdmin", "password": "GardenAdmin"}
    client = PlainClient(containers.port)
    token = client.post("/auth/login", login).json["access_token"]
    spoof = ("X-Forwarded-For", "203.0.113.66"), ("Forwarded", "for=203.0.113.66"), ("X-Real-IP", "203.0.113.66")
    headers = dict(map(tuple, client.get("/whoami", *spoof, bearer(token)).json["headers"]))

    assert headers["X-Forwarded-For"] == "127.0.0.1, 127.0.0.1"
    assert "203.0.113.66" not in str(headers)


def test_a_gateway_that_is_stopped_under_load_fails_no_request(containers):
    """Clients keep their connections to the load balancer, which finds out by itself that one of the two is going."""
    first = containers.gateways[0]
    enough, answers, broken = threading.Event(), [], []

    def ask_on():
        with PlainClient(containers.port).connect() as conversation:
            while not enough.is_set():
                answers.append(conversation.ask("GET", "/public/ping").status)

    def ask():
        try:
            ask_on()
        except (EOFError, OSError, ValueError) as error:
            broken.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    containers.until(lambda: len(answers) > 200)
    first.process.send_signal(signal.SIGTERM)
    first.process.wait(20)
    seen = len(answers)
    containers.until(lambda: len(answers) > seen + 200)
    enough.set()
    for thread in threads:
        thread.join()

    assert broken == []
    assert set(answers) == {200}


def test_no_process_of_it_names_a_secret(containers, secrets):
    values = [path.read_text() for path in secrets.iterdir()]
    shown = ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            shown += (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue

    assert not [value for value in values if value in shown]
