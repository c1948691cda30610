import ssl

import pytest
from fakes.authority import write_certificates

from gateway.app.certificate import Certificate, read_certificate, renew, tls_context
from gateway.config.server import ServerTls

TLS = ServerTls(certificate_file="cert.pem", private_key_file="key.pem")


@pytest.fixture
def files(tmp_path):
    write_certificates(tmp_path)
    return tmp_path


def test_tls_begins_at_1_2(files):
    context = tls_context(read_certificate(files, TLS))

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_once_read_it_serves_without_its_files(files):
    certificate = read_certificate(files, TLS)
    for name in ("cert.pem", "key.pem"):
        (files / name).unlink()

    renew(tls_context(certificate), certificate)


def test_files_that_do_not_fit_together_are_refused(files):
    key = (files / "key.pem").read_bytes()
    write_certificates(files)
    (files / "key.pem").write_bytes(key)

    with pytest.raises(ssl.SSLError):
        read_certificate(files, TLS)


def test_a_file_that_is_gone_is_an_error_of_the_operating_system(files):
    (files / "cert.pem").unlink()

    with pytest.raises(FileNotFoundError):
        read_certificate(files, TLS)


def test_the_key_is_never_shown():
    assert "hush" not in repr(Certificate(b"chain", b"hush"))


def test_where_there_are_no_files_in_memory_one_on_disk_is_gone_afterwards(files, monkeypatch, tmp_path):
    monkeypatch.setattr("gateway.app.certificate._DESCRIPTORS", tmp_path / "none")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())

    tls_context(read_certificate(files, TLS))

    assert set(tmp_path.iterdir()) == before
