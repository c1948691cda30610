"""The proxies of deploy/in-front/forward-auth as they ship, between the tests and an ERP; they ask a gateway."""

import contextlib
import os
import ssl
import subprocess
import time

from fakes.authority import write_certificates
from fakes.deploy_tools import DEPLOY
from fakes.fronts import program, replaced
from fakes.plain_client import PlainClient
from fakes.ports import free_port

RECIPES = DEPLOY / "in-front" / "forward-auth"
HOST = "erp.example.com"
"""The name in every recipe."""
START_SECONDS = 30.0


class AskingFront:
    """One proxy; `directory` is for its certificate and for what it writes."""

    def __init__(self, directory, gateway_port, erp_port):
        self.directory = directory
        self.port = free_port()
        self._backends = (
            ("127.0.0.1:8080", f"127.0.0.1:{gateway_port}"),
            ("127.0.0.1:9000", f"127.0.0.1:{erp_port}"),
        )
        self._process = None
        self.context = ssl.create_default_context(cafile=write_certificates(directory, HOST))

    @property
    def client(self):
        return PlainClient(self.port, lambda sock: self.context.wrap_socket(sock, server_hostname=HOST), HOST)

    @property
    def logs(self):
        """All that it wrote, access log and messages."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.directory.glob("*.log")))

    def start(self):
        """Return when it answers."""
        command = self._command()
        environ = os.environ | {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)}
        with (self.directory / "out.log").open("wb") as out:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=out, stderr=out, env=environ)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.logs[-3000:]
            assert time.monotonic() < until, self.logs[-3000:]
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

    def written(self, word):
        """What it wrote, once `word` is in it."""
        until = time.monotonic() + START_SECONDS
        while word not in self.logs:
            assert time.monotonic() < until, self.logs[-3000:]
            time.sleep(0.05)
        return self.logs

    def _answers(self):
        with contextlib.suppress(OSError, EOFError):
            return self.client.get("/public/ping").status > 0
        return False

    def _recipe(self, name, *pairs):
        file = self.directory / name
        file.write_text(replaced((RECIPES / name).read_text(), *pairs))
        return file


class Nginx(AskingFront):
    kind = "nginx"

    def _command(self):
        here = self.directory
        temporary = "".join(f"{kind}_temp_path {here}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        file = self._recipe(
            "nginx.conf",
            ("user www-data;", "user root;" if os.geteuid() == 0 else ""),
            ("/run/nginx.pid", here / "nginx.pid"),
            ("/var/log/nginx/", f"{here}/"),
            ("server_tokens off;", f"server_tokens off; client_body_temp_path {here}/body; {temporary}"),
            ("listen 80 default_server", f"listen 127.0.0.1:{free_port()}"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("/etc/nginx/tls/", f"{here}/"),
            *self._backends,
        )
        return [program("nginx"), "-e", here / "error.log", "-c", file, "-g", "daemon off;"]


class Haproxy(AskingFront):
    kind = "haproxy"

    def _command(self):
        here = self.directory
        (here / "site.pem").write_bytes((here / "cert.pem").read_bytes() + (here / "key.pem").read_bytes())
        script = self._recipe("gateway.lua")
        file = self._recipe(
            "haproxy.cfg",
            ("bind :443 ssl crt /etc/haproxy/tls/site.pem", f"bind 127.0.0.1:{self.port} ssl crt {here}/site.pem"),
            ("bind :80", f"bind 127.0.0.1:{free_port()}"),
            ("/etc/haproxy/gateway.lua", script),
            *self._backends,
        )
        return [program("haproxy"), "-db", "-f", file]


class Caddy(AskingFront):
    kind = "caddy"

    def _command(self):
        here = self.directory
        settings = f"\tadmin off\n\tpersist_config off\n\thttp_port {free_port()}\n\thttps_port {self.port}\n"
        file = self._recipe(
            "Caddyfile",
            ("\n{\n", f"\n{{\n{settings}"),
            (f"\n{HOST} {{\n", f"\n{HOST} {{\n\tbind 127.0.0.1\n\ttls {here}/cert.pem {here}/key.pem\n"),
            *self._backends,
        )
        return [program("caddy"), "run", "--config", file, "--adapter", "caddyfile"]


class Envoy(AskingFront):
    kind = "envoy"

    def _command(self):
        here = self.directory
        file = self._recipe(
            "envoy.yaml",
            ("address: 0.0.0.0, port_value: 443", f"address: 127.0.0.1, port_value: {self.port}"),
            ("/etc/envoy/tls/", f"{here}/"),
            ("/var/log/envoy/", f"{here}/"),
            ("port_value: 8080", f"port_value: {self._backends[0][1].partition(':')[2]}"),
            ("port_value: 9000", f"port_value: {self._backends[1][1].partition(':')[2]}"),
        )
        words = ["--concurrency", "1", "--disable-hot-restart", "-l", "warning", "--file-flush-interval-msec", "200"]
        return [program("envoy"), "-c", file, *words]


ASKING = {"nginx": Nginx, "haproxy": Haproxy, "caddy": Caddy, "envoy": Envoy}
