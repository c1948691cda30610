"""What the supervisor hands a worker: the configuration as it was loaded, secrets included, over their private line.

A worker does not read the file again: it may be half-edited just now, and all workers serve under one configuration.
"""

import io
import pickle
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from gateway.app.certificate import Certificate
from gateway.config.document import Loaded
from gateway.config.secret import Secret


@dataclass(frozen=True, slots=True)
class Handover:
    """Everything a worker starts from."""

    version: str
    """The supervisor's: what is pickled by one version is not read by another."""
    worker: int
    """1, 2, …: which of the workers it is."""
    slot: int
    """Which of the shared counters is its own."""
    started: Loaded
    """What the supervisor started with: keys that wait for a restart keep these values."""
    loaded: Loaded
    """What is in force."""
    certificate: Certificate | None
    """Of the public listener; None without TLS."""
    store_url: str
    """Of the embedded store that the supervisor runs; empty for a server of the user's."""
    password_threads: int


class _Packer(pickle.Pickler):
    """Secrets refuse to be pickled, so that none is ever written somewhere by accident; here it is on purpose."""

    def reducer_override(self, obj: Any) -> Any:
        """How a secret crosses."""
        return (Secret, (obj.reveal(),)) if isinstance(obj, Secret) else NotImplemented


def pack(value: Any) -> str:
    """As text, for a message.

    Compressed, quickly rather than well: with all that is known of each line a configuration is three times its file,
    and after a reload there are two of them.
    """
    buffer = io.BytesIO()
    _Packer(buffer).dump(value)
    return b64encode(zlib.compress(buffer.getbuffer(), 1)).decode()


def unpack(text: str) -> Any:
    """What `pack` packed. For a worker only: whoever can write to it runs as its supervisor anyway."""
    return pickle.loads(zlib.decompress(b64decode(text)))  # noqa: S301 - from the process that started this one, by inherited socket
