"""Builds upstreams; connections to servers that stay configured outlive a reload."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.document import Loaded
from gateway.config.upstreams import UpstreamConfig, UpstreamTls
from gateway.upstream.pool import Endpoint, Server
from gateway.upstream.upstream import Timeouts, Upstream

ServerKey = tuple[str, str, UpstreamTls, tuple[int, ...], float]
"""Upstream, origin, TLS settings, the times its files changed, and the time to connect."""


@dataclass(slots=True)
class Upstreams:
    """All upstreams of one configuration."""

    by_name: dict[str, Upstream] = field(default_factory=dict)
    servers: dict[ServerKey, Server] = field(default_factory=dict)


def build_upstreams(loaded: Loaded, earlier: Mapping[ServerKey, Server]) -> Upstreams:
    """The upstreams of a configuration. What is wrong with their files is reported to `loaded`."""
    built = Upstreams()
    for name, config in loaded.config.upstreams.items():
        servers = []
        for index, origin in enumerate(config.servers):
            key = (name, str(origin), config.tls, _times(loaded.base, config.tls), config.timeouts.connect)
            server = earlier.get(key) or _server(loaded, name, config, index)
            if config.health_check is None:
                server.healthy = True
            built.servers[key] = server
            servers.append(server)
        built.by_name[name] = Upstream(
            name,
            tuple(servers),
            least_connections=config.balance == "least_connections",
            timeouts=Timeouts(config.timeouts.connect, config.timeouts.response, config.timeouts.idle),
            preserve_host=config.preserve_host,
        )
    return built


def _server(loaded: Loaded, name: str, config: UpstreamConfig, index: int) -> Server:
    origin = config.servers[index]
    tls = None
    if origin.is_secure:
        try:
            tls = _context(loaded.base, config.tls)
        except (OSError, ssl.SSLError) as error:
            loaded.report(("upstreams", name, "tls"), f"the certificate files cannot be used: {error}")
    endpoint = Endpoint(origin.host, origin.port, tls, config.tls.server_name or None)
    return Server(endpoint, config.timeouts.connect)


def _context(base: Path, tls: UpstreamTls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(base / tls.ca_file) if tls.ca_file else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate_file:
        context.load_cert_chain(base / tls.certificate_file, base / tls.private_key_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _times(base: Path, tls: UpstreamTls) -> tuple[int, ...]:
    """So that a renewed certificate makes a new server, with new connections."""
    files = [base / file for file in (tls.ca_file, tls.certificate_file, tls.private_key_file) if file]
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
