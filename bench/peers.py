"""The peers beside which the gateway is measured: one worker on one core each, the leanest config that does the job."""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import processes
from processes import LOAD_CORE, PROXY_CORE, Program, free_port

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent / ".test-tools" / "peers" / "bin"
SECRET = "a-secret-of-the-benchmark-only-0123456789abcdef0123456789abcdef"
ISSUER = "http://bench.invalid/auth"

SMALL = json.dumps({"id": 4711, "name": "Seed Farm Inc.", "city": "Portland", "country": "US", "balance": 1234.5})


@dataclass(frozen=True)
class Place:
    """Where a run keeps its files, and what all peers forward to."""

    folder: Path
    upstream: int
    redis: int


@dataclass
class Peer:
    """A running proxy: the programs whose CPU time counts, and its port."""

    name: str
    port: int
    programs: list[Program] = field(default_factory=list)
    admin: int = 0
    """The port of the admin listener; the gateway alone has one."""

    def cpu_seconds(self) -> float:
        return sum(program.cpu_seconds() for program in self.programs)

    def rss_bytes(self) -> int:
        return sum(program.rss_bytes() for program in self.programs)

    def stop(self) -> None:
        for program in reversed(self.programs):
            program.stop()


def bearer() -> str:
    """An HS256 token for the peers, with the claims that the gateway's own tokens carry."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": "101",
        "aud": ISSUER,
        "iat": now,
        "exp": now + 86400,
        "jti": "b" * 32,
        "roles": ["sales"],
    }
    head = {"alg": "HS256", "typ": "JWT", "kid": "k1"}
    signed = b".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return (signed + b"." + _base64(hmac.digest(SECRET.encode(), signed, hashlib.sha256))).decode()


def start_upstream(folder: Path) -> tuple[int, Program]:
    """nginx with a small JSON answer, a file of 1 MiB, and a place for uploads; on the core of the load generator."""
    port = free_port()
    (folder / "html").mkdir()
    (folder / "html" / "1MiB").write_bytes(os.urandom(1024 * 1024))
    server = f"""
      access_log off;
      server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/html;
        client_max_body_size 0;
        location = /1MiB {{ }}
        location = /upload {{  # reads the whole body before it answers
          client_body_buffer_size 2m; proxy_pass_request_body off; proxy_set_header Content-Length '';
          proxy_pass http://127.0.0.1:{port}/read;
        }}
        location / {{ default_type application/json; return 200 '{SMALL}'; }}
      }}"""
    return port, _nginx("upstream", folder, server, port=port, core=LOAD_CORE)


def start_redis(folder: Path) -> tuple[int, Program]:
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    return port, processes.start("redis", argv, folder, core=LOAD_CORE, port=port)


_NGINX_LOG = (
    '{"ts":$msec,"request_id":"$request_id","client":"$remote_addr","method":"$request_method","path":"$uri",'
    '"status":$status,"duration_ms":$request_time,"upstream":"$upstream_addr","bytes":$body_bytes_sent}'
)


def _nginx(name: str, folder: Path, http: str, *, port: int, core: int) -> Program:
    config = folder / f"{name}.conf"
    config.write_text(f"""
    daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/{name}.pid; error_log stderr error;
    {"user root;" if os.geteuid() == 0 else ""}
    events {{ worker_connections 16384; }}
    http {{
      client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
      fastcgi_temp_path {folder}/{name}.f; uwsgi_temp_path {folder}/{name}.u; scgi_temp_path {folder}/{name}.s;
      keepalive_timeout 600s; keepalive_requests 1000000000; sendfile on; tcp_nopush on;
      log_format json escape=json '{_NGINX_LOG}';
      {http}
    }}""")
    return processes.start(name, ["nginx", "-e", "stderr", "-c", str(config)], folder, core=core, port=port)


def _access_log(place: Place, name: str, *, log: bool) -> str:
    # Lines are collected and written in blocks, as the gateway does it.
    return f"access_log {place.folder}/{name}.log json buffer=64k flush=1s;" if log else "access_log off;"


_FORWARD = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; proxy_pass http://erp;"


def nginx(place: Place, name: str, *, log: bool) -> Peer:
    """A plain proxy: no credential is looked at. For 1 MiB bodies these were the fastest of six settings tried."""
    port = free_port()
    http = f"""
      {_access_log(place, name, log=log)}
      upstream erp {{ server 127.0.0.1:{place.upstream}; keepalive 64; keepalive_requests 1000000000; }}
      server {{
        listen 127.0.0.1:{port} backlog=4096;
        client_max_body_size 0; proxy_request_buffering off; proxy_max_temp_file_size 0; proxy_buffers 16 64k;
        location / {{ {_FORWARD} }}
      }}"""
    return Peer(name, port, [_nginx(name, place.folder, http, port=port, core=PROXY_CORE)])


def auth_request(place: Place, name: str, *, log: bool) -> Peer:
    """nginx asks an aiohttp program, which asks Redis, for every request; both count."""
    port, helper_port = free_port(), free_port()
    helper = processes.start(
        f"{name}-helper",
        [sys.executable, str(HERE / "programs" / "auth_helper.py"), str(helper_port), str(place.redis)],
        place.folder,
        core=PROXY_CORE,
        port=helper_port,
    )
    http = f"""
      {_access_log(place, name, log=log)}
      upstream erp {{ server 127.0.0.1:{place.upstream}; keepalive 64; keepalive_requests 1000000000; }}
      upstream helper {{ server 127.0.0.1:{helper_port}; keepalive 64; keepalive_requests 1000000000; }}
      server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ auth_request /_auth; {_FORWARD} }}
        location = /_auth {{
          internal; proxy_pass http://helper; proxy_http_version 1.1; proxy_set_header Connection '';
          proxy_pass_request_body off; proxy_set_header Content-Length '';
        }}
      }}"""
    try:
        return Peer(name, port, [helper, _nginx(name, place.folder, http, port=port, core=PROXY_CORE)])
    except BaseException:
        helper.stop()
        raise


_HAPROXY_LOG = (
    r"log-format {\"ts\":\"%t\",\"request_id\":\"%ID\",\"client\":\"%ci\",\"method\":\"%HM\",\"path\":\"%HPO\","
    r"\"status\":%ST,\"duration_ms\":%Ta,\"upstream\":\"%b\",\"upstream_ms\":%Tr,\"bytes\":%B}"
)


def haproxy(place: Place, name: str, *, log: bool) -> Peer:
    """Verifies the HS256 signature of the Bearer token of every request (`jwt_verify`); its log is one write a line."""
    port = free_port()
    config = place.folder / f"{name}.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 12000
  no strict-limits
  {"log stdout format raw local0" if log else ""}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
  {"log global" if log else ""}
  {_HAPROXY_LOG if log else ""}
frontend public
  bind 127.0.0.1:{port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify("HS256","{SECRET}") -m int 1 }}
  default_backend erp
backend erp
  server erp 127.0.0.1:{place.upstream}
""")
    argv = ["haproxy", "-db", "-f", str(config)]
    return Peer(name, port, [processes.start(name, argv, place.folder, core=PROXY_CORE, port=port)])


def caddy(place: Place, name: str, *, log: bool) -> Peer:
    """A plain proxy: no credential is looked at."""
    port = free_port()
    config = place.folder / f"{name}.Caddyfile"
    access = f"log {{\n output file {place.folder}/{name}.log\n format json\n }}" if log else ""
    config.write_text(f"""{{
  admin off
  auto_https off
  persist_config off
}}
http://127.0.0.1:{port} {{
  bind 127.0.0.1
  {access}
  reverse_proxy 127.0.0.1:{place.upstream}
}}
""")
    argv = [str(TOOLS / "caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]
    env = {
        "GOMAXPROCS": "1",
        "HOME": str(place.folder),
        "XDG_DATA_HOME": str(place.folder),
        "XDG_CONFIG_HOME": str(place.folder),
    }
    return Peer(name, port, [processes.start(name, argv, place.folder, core=PROXY_CORE, port=port, env=env)])


def envoy(place: Place, name: str, *, log: bool) -> Peer:
    """Verifies the HS256 signature, issuer and times of every Bearer token (`jwt_authn`, local key set)."""
    port = free_port()
    config = place.folder / f"{name}.json"
    config.write_text(json.dumps(_envoy_config(place, name, port, log=log)))
    argv = [str(TOOLS / "envoy"), "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    return Peer(name, port, [processes.start(name, argv, place.folder, core=PROXY_CORE, port=port)])


def _envoy_config(place: Place, name: str, port: int, *, log: bool) -> dict:
    kinds = "type.googleapis.com/envoy.extensions"
    keys = {"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": _base64(SECRET.encode()).decode()}]}
    provider = {"issuer": ISSUER, "local_jwks": {"inline_string": json.dumps(keys)}}
    fields = {"ts": "%START_TIME%", "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "method": "%REQ(:METHOD)%"}
    fields |= {"path": "%PATH(NQ)%", "status": "%RESPONSE_CODE%", "duration_ms": "%DURATION%"}
    fields |= {"upstream": "%UPSTREAM_HOST%", "bytes": "%BYTES_SENT%", "request_id": "%REQ(X-REQUEST-ID)%"}
    access = {
        "@type": f"{kinds}.access_loggers.file.v3.FileAccessLog",
        "path": f"{place.folder}/{name}.log",
        "log_format": {"json_format": fields},
    }
    manager = {
        "@type": f"{kinds}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "access_log": [{"name": "file", "typed_config": access}] if log else [],
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "erp"}}]}
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.jwt_authn",
                "typed_config": {
                    "@type": f"{kinds}.filters.http.jwt_authn.v3.JwtAuthentication",
                    "providers": {"bench": provider},
                    "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
                },
            },
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{kinds}.filters.http.router.v3.Router"}},
        ],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    upstream = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": place.upstream}}}}
    cluster = {
        "name": "erp",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "erp", "endpoints": [{"lb_endpoints": [upstream]}]},
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def aiohttp_proxy(place: Place, name: str, *, log: bool) -> Peer:
    """aiohttp's server and client joined in the obvious way: no credential is looked at, nothing is logged."""
    assert not log
    port = free_port()
    argv = [sys.executable, str(HERE / "programs" / "plain_proxy.py"), str(port), str(place.upstream)]
    return Peer(name, port, [processes.start(name, argv, place.folder, core=PROXY_CORE, port=port)])


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
