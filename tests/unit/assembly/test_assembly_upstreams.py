import ssl

import pytest
from fakes.authority import write_certificates

from gateway.config.problems import ConfigRefused

TWO = '{erp: {servers: ["http://10.0.0.1:1", "http://10.0.0.2:2"], balance: least_connections, preserve_host: false, timeouts: {connect: 1s, response: 2s, idle: 3s}}}'
TLS = '{erp: {servers: ["https://10.0.0.1"], tls: {ca_file: ca.pem, %s}}}'


@pytest.fixture
def certificates(tmp_path):
    write_certificates(tmp_path)


def test_servers_are_built_as_written(assembler):
    upstream = assembler(upstreams=TWO).upstreams.by_name["erp"]

    assert [server.endpoint.origin for server in upstream.servers] == ["http://10.0.0.1:1", "http://10.0.0.2:2"]
    assert upstream.least_connections
    assert not upstream.preserve_host
    assert (upstream.timeouts.connect, upstream.timeouts.response, upstream.timeouts.idle) == (1, 2, 3)
    assert upstream.servers[0].connect_timeout == 1


def test_a_server_that_stays_keeps_its_connections(assembler):
    before = assembler(upstreams=TWO).upstreams

    after = assembler(before.servers, upstreams=TWO.replace("10.0.0.2:2", "10.0.0.3:3")).upstreams

    assert after.by_name["erp"].servers[0] is before.by_name["erp"].servers[0]
    assert after.by_name["erp"].servers[1] is not before.by_name["erp"].servers[1]


def test_one_whose_check_is_gone_is_taken_for_healthy(assembler):
    checked = TWO.replace("preserve_host", "health_check: {path: /h}, preserve_host")
    before = assembler(upstreams=checked).upstreams
    before.by_name["erp"].servers[0].healthy = False

    assert not assembler(before.servers, upstreams=checked).upstreams.by_name["erp"].servers[0].healthy
    assert assembler(before.servers, upstreams=TWO).upstreams.by_name["erp"].servers[0].healthy


def test_tls_is_checked_unless_told_otherwise(assembler, certificates):
    checked, *_ = assembler(upstreams=TLS % "server_name: erp.internal").upstreams.by_name["erp"].servers
    unchecked, *_ = assembler(upstreams=TLS % "verify: false").upstreams.by_name["erp"].servers

    assert checked.endpoint.tls.verify_mode is ssl.CERT_REQUIRED
    assert checked.endpoint.tls.check_hostname
    assert checked.endpoint.server_name == "erp.internal"
    assert unchecked.endpoint.tls.verify_mode is ssl.CERT_NONE


def test_a_renewed_certificate_makes_a_new_server(assembler, certificates, tmp_path):
    text = TLS % "certificate_file: cert.pem, private_key_file: key.pem"
    before = assembler(upstreams=text).upstreams
    assert assembler(before.servers, upstreams=text).upstreams.servers == before.servers

    write_certificates(tmp_path)
    after = assembler(before.servers, upstreams=text).upstreams

    assert after.by_name["erp"].servers[0] is not before.by_name["erp"].servers[0]


def test_files_that_are_no_certificates_are_told_with_their_line(assembler, certificates, tmp_path):
    (tmp_path / "ca.pem").write_text("nonsense")

    with pytest.raises(ConfigRefused, match=r"upstreams\.erp\.tls"):
        assembler(upstreams=TLS % "verify: true")
