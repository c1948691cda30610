import pytest
from fakes.configs import MINIMAL

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("server: {workers: 0}", "server.workers: must be 1 to 256, or auto"),
        ("server: {workers: -1}", "server.workers: must be 1 to 256, or auto"),
        ("server: {workers: 257}", "server.workers: must be 1 to 256, or auto"),
        ("server: {workers: many}", "server.workers: must be 1 to 256, or auto"),
        ("server: {limits: {header_bytes: 100}}", "server.limits.header_bytes: must be between 1KiB and 1MiB"),
        ("server: {limits: {connections: -1}}", "server.limits.connections: must not be negative"),
        ("server: {tls: {}}", "server.tls.certificate_file: is missing"),
        ("server: {trusted_proxies: [10.0.0.1/8]}", 'server.trusted_proxies[0]: has host bits set; did you mean "10.0.0.0/8"?'),
        ("server: {trusted_proxies: [10.0.0.0/8, 10.0.0.0/8]}", "server.trusted_proxies: lists"),
        ("server: {timeouts: {drain: 0s}}", "server.timeouts.drain: must be more than zero"),
        ("server: {forward_auth: {failure_status: 500}}", "server.forward_auth.failure_status: must be 503 or 403"),
        ("server: {forward_auth: {injected_credential: true}, trusted_proxies: [0.0.0.0/0]}", "server.forward_auth: would tell everyone"),
        ("admin: {listen: 0.0.0.0:8081}", "admin.token: an admin listener on 0.0.0.0:8081 needs an explicit token of 32"),
        (f"admin: {{listen: '[::]:1', token: {TOKEN[1:]}}}", "admin.token: an admin listener on [::]:1 needs"),
        ("admin: {hosts: ['a:1']}", "admin.hosts[0]: must be a host name"),
        ("admin: {listen: 127.0.0.1:8080}", "admin.listen: is the public listener's address, too"),
        ("logs: {access: sdtout}", 'logs.access: must be stdout, stderr, off, or a file name with a slash in it; did you mean "stdout"?'),
        ("logs: {level: INFO}", 'logs.level: must be one of debug, info, warning, error; did you mean "info"?'),
    ],
)  # fmt: skip
def test_a_setting_of_the_gateway_itself_that_cannot_be_is_refused(refused, section, expected):
    problems = refused(f"{MINIMAL}{section}\n")

    assert any(expected in problem for problem in problems), problems


def test_an_admin_listener_may_leave_loopback_with_a_long_token(load_text):
    text = MINIMAL + f"admin: {{listen: 0.0.0.0:8081, token: {TOKEN}}}\n"

    assert load_text(text).config.admin.token.reveal() == TOKEN


def test_two_listeners_may_both_ask_the_system_for_a_port(load_text):
    load_text(MINIMAL + "server: {listen: '127.0.0.1:0'}\nadmin: {listen: '127.0.0.1:0'}\n")


@pytest.mark.parametrize(
    ("server", "origin", "site"),
    [
        ("{listen: 127.0.0.1:9000}", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("{tls: {certificate_file: c, private_key_file: k}}", "https://127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("{public_url: https://erp.example.com/api/}", "https://erp.example.com/api", "https://erp.example.com"),
        ('{public_url: "http://[::1]:80/a/b"}', "http://[::1]/a/b", "http://[::1]"),
    ],
)
def test_the_origin_is_what_clients_use_and_the_site_what_browsers_call_it(load_text, server, origin, site):
    loaded = load_text(f"{MINIMAL}server: {server}\n", files={"c": "x", "k": "x"})

    assert (loaded.config.server.origin, loaded.config.server.site) == (origin, site)


@pytest.mark.parametrize("target", ["off", "stderr", "./access.log", "/var/log/gateway.log"])
def test_a_log_goes_to_a_stream_to_a_file_or_nowhere(load_text, target):
    assert load_text(f"{MINIMAL}logs: {{access: {target}}}\n").config.logs.access == target
