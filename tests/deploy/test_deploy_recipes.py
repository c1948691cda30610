"""The recipes of deploy/in-front agree with each other and with gateway.yaml; what cannot be started here is at least whole."""

import re

import pytest
import yaml
from fakes.fronts import HOST, RECIPES

from gateway.config.load import load

TRAEFIK = RECIPES / "traefik"
IDLE = r"keepalive_timeout 60s|keepalive 60s|idle_timeout: 60s|idleConnTimeout: 60s"


@pytest.fixture(scope="module")
def config():
    return load(RECIPES / "gateway.yaml", {}).config


def recipes():
    """Every recipe whose file names the gateway's address."""
    found = [path for path in sorted(RECIPES.rglob("*")) if path.is_file() and "forward-auth" not in path.parts]
    return [path for path in found if path.name not in {"gateway.yaml", "nginx-http3.conf", "traefik.yaml"}]


def test_the_gateway_believes_the_proxy_beside_it_and_nobody_else(config):
    assert [str(network) for network in config.server.trusted_proxies] == ["127.0.0.1/32"]
    assert config.server.public_url == f"https://{HOST}"
    assert config.admin.listen.is_loopback


@pytest.mark.parametrize("path", recipes(), ids=lambda path: path.name)
def test_a_recipe_leads_to_the_gateway_of_the_sample(path, config):
    text = path.read_text()
    listen = config.server.listen

    assert str(listen) in text or f"address: {listen.host}, port_value: {listen.port}" in text
    assert HOST in text or path.name == "haproxy.cfg"
    assert str(config.admin.listen.port) in text or path.name in {"nginx.conf", "Caddyfile"}


@pytest.mark.parametrize("path", recipes(), ids=lambda path: path.name)
def test_a_proxy_lets_go_of_an_idle_connection_before_the_gateway_does(path, config):
    """HAProxy keeps idle ones for 5 s unless it is told otherwise."""
    assert config.server.timeouts.idle > 60
    assert re.search(IDLE, path.read_text()) or path.name == "haproxy.cfg"


def test_the_lines_for_http_3_replace_a_line_that_is_there():
    quoted = re.search(r"in place of `([^`]+)`", (RECIPES / "nginx-http3.conf").read_text())[1]

    assert (RECIPES / "nginx.conf").read_text().count(f"    {quoted}\n") == 1


def test_what_traefik_is_told_holds_together(config):
    static = yaml.safe_load((TRAEFIK / "traefik.yaml").read_text())
    http = yaml.safe_load((TRAEFIK / "dynamic.yaml").read_text())["http"]
    (router,) = http["routers"].values()
    balancer = http["services"][router["service"]]["loadBalancer"]

    assert set(router["entryPoints"]) <= set(static["entryPoints"])
    assert set(router["middlewares"]) <= set(http["middlewares"])
    assert balancer["serversTransport"] in http["serversTransports"]
    assert balancer["servers"] == [{"url": f"http://{config.server.listen}"}]
    assert balancer["healthCheck"]["port"] == config.admin.listen.port
    assert static["entryPoints"]["web"]["http"]["redirections"]["entryPoint"]["to"] in static["entryPoints"]


def test_traefik_believes_no_client_and_writes_no_query_down():
    static = yaml.safe_load((TRAEFIK / "traefik.yaml").read_text())

    assert not [name for name, point in static["entryPoints"].items() if "forwardedHeaders" in point]
    assert static["accessLog"]["fields"]["names"] == {"RequestPath": "drop", "RequestLine": "drop"}
    assert static["accessLog"]["fields"]["headers"] == {"defaultMode": "drop"}
