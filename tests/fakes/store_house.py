"""One gateway over one store of its own that a test may hang, kill, starve or lock: what clients see of it."""

import time
from http import HTTPStatus

from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.servers import StoreServer
from fakes.small_shop import LOGINS, PASSWORD, SCANNER_KEY
from redis.exceptions import ConnectionError as NotConnected

SECRET = "a-secret-of-this-house-only-0123456789abcdef0123456789abcdef"
ADMIN_TOKEN = "an-admin-token-of-this-house-0123456789abcdef"
DURABLE = ("--appendonly", "yes", "--appendfsync", "no")
"""What was acknowledged outlives the process: enough here, and independent of how slow the disk is."""

CONFIG = """\
admin: {{token: {admin}}}
logs: {{access: ./access.log, audit: ./audit.log}}
store: {{url: "{url}", encryption_key: {secret}, timeout: {timeout}, {store}}}
signing_keys: [{{kid: k1, algorithm: HS256, secret: {secret}}}]
{logins}
  jdx: {{dialect: jdx, path: /jdx, identity_provider: staff}}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: orders, path: /orders/**, upstream: erp, anonymous: ["/orders/open/**"]}}
  - {{name: images, path: /images/**, upstream: erp}}
  - {{name: jdx-orders, path: /jdx-orders/**, upstream: erp, errors: jdx}}
"""


class StoreHouse:
    """`server` is the store, `gateway` the process. Requests are answered with (answer, seconds)."""

    def __init__(self, kind, directory, *, options=DURABLE, store="", timeout="500ms", url=""):
        self.erp = Erp()
        (directory / "store").mkdir()
        (directory / "gateway").mkdir()
        self.server = StoreServer(kind, directory / "store", *options)
        self._directory = directory / "gateway"
        config = CONFIG.format(
            admin=ADMIN_TOKEN,
            url=url or self.server.url,
            secret=SECRET,
            store=store,
            timeout=timeout,
            logins=LOGINS.rstrip(),
            port=self.erp.port,
        )
        self.gateway = GatewayProcess(self._directory, config)
        self.client = PlainClient(self.gateway.port)
        self.admin = PlainClient(self.gateway.admin_port, host=f"127.0.0.1:{self.gateway.admin_port}")

    def start(self):
        try:
            self.server.start()
            self.gateway.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        self.gateway.stop()
        self.server.stop()
        self.erp.stop()

    def log_in(self, user="ada", login="auth"):
        """The pair of tokens of a login that has to succeed; on a busy machine the store may be late a few times."""
        for _ in range(20):
            answer, _ = self.try_to_log_in(user, login)
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
        assert answer.status == HTTPStatus.OK, answer
        return answer.json

    def try_to_log_in(self, user="ada", login="auth"):
        return timed(self.client.post, f"/{login}/login", {"username": user, "password": PASSWORD})

    def refresh(self, pair, login="auth"):
        return timed(self.client.post, f"/{login}/refresh", {"refresh_token": pair["refresh_token"]})

    def log_out(self, pair, login="auth"):
        return timed(self.client.post, f"/{login}/logout", None, bearer(pair["access_token"]))

    def ask(self, pair, path="/orders/7"):
        return timed(self.client.get, path, bearer(pair["access_token"]))

    def ask_with_key(self):
        return timed(self.client.get, "/orders/7", ("X-API-Key", SCANNER_KEY))

    def end_all_of(self, user):
        """What `gateway sessions revoke --user` asks."""
        return self.admin.post("/api/v1/sessions/revoke", {"user": user}, bearer(ADMIN_TOKEN))

    def is_served(self, pair):
        """Whether the token opens a route; 401 is asserted never to be the answer of an outage."""
        answer, _ = self.ask(pair)
        assert answer.status in {200, 503}, answer
        return answer.status == 200

    def answers(self):
        """Whether clients can connect, whatever became of the store."""
        try:
            return self.client.get("/orders/open/1").status == 200
        except OSError:
            return False

    def is_loading(self):
        """Whether the store says that it loads its file; None if it says nothing."""
        try:
            return self.server.admin("INFO", "persistence")["loading"] == 1
        except NotConnected:
            return None

    def metric(self, name):
        """The sum of a family's samples."""
        answer = self.admin.get("/metrics")
        lines = [
            line for line in answer.body.decode().splitlines() if line.startswith(name) and line[len(name)] in " {"
        ]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def readyz(self):
        return self.admin.get("/readyz").status

    def audit(self):
        file = self._directory / "audit.log"
        return file.read_text() if file.exists() else ""


def timed(call, *args):
    began = time.monotonic()
    answer = call(*args)
    return answer, time.monotonic() - began


def within(check, seconds=20.0):
    """Wait for the first true value of `check()`; how long that took."""
    began = time.monotonic()
    while not (found := check()):
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return found, time.monotonic() - began
