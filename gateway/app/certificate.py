"""The public listener's certificate: read once, then the same for all workers, whatever becomes of the files."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from gateway.config.server import ServerTls

_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain and its private key, in PEM."""

    chain: bytes
    key: bytes = field(repr=False)


def read_certificate(base: Path, tls: ServerTls) -> Certificate:
    """The files as they are now. Raises OSError, and ssl.SSLError where they do not fit together."""
    certificate = Certificate((base / tls.certificate_file).read_bytes(), (base / tls.private_key_file).read_bytes())
    tls_context(certificate)
    return certificate


def tls_context(certificate: Certificate) -> ssl.SSLContext:
    """A context for the public listener. Raises ssl.SSLError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    renew(context, certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context


def renew(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Show this one to new connections. Raises ssl.SSLError."""
    with _as_file(certificate.chain) as chain, _as_file(certificate.key) as key:
        context.load_cert_chain(chain, key)


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """OpenSSL wants a name: one in memory where the system has such files, since a key does not belong on a disk."""
    if not hasattr(os, "memfd_create") or not _DESCRIPTORS.exists():
        with NamedTemporaryFile(prefix="gateway-") as file:  # 0600
            file.write(data)
            file.flush()
            yield file.name
        return
    number = os.memfd_create("gateway-pem", os.MFD_CLOEXEC)
    try:
        with open(number, "wb", closefd=False) as file:
            file.write(data)
        yield str(_DESCRIPTORS / str(number))
    finally:
        os.close(number)
