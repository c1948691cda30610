"""An ERP that keeps every request as bytes, before anything could tidy it up, and answers what a test wants."""

import contextlib
import json
import socket
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self):
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def target(self):
        return self.line.split(" ")[1]

    @property
    def headers(self):
        """Name and value pairs in wire order."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [tuple(line.split(": ", 1)) for line in lines if line]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        (value,) = self.all(name)
        return value


def answer(status=200, body=b"ok", headers=()):
    """An answer as bytes."""
    lines = [b"HTTP/1.1 %d Whatever" % status, b"Content-Length: %d" % len(body)]
    lines += [f"{name}: {value}".encode() for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Erp:
    """Listens at once. `answers` maps a path to bytes, or to a function of `Seen` that gives bytes or None (hang up)."""

    def __init__(self, *, tls=None, name="erp"):
        self.name = name
        self.seen = []
        self.answers = {}
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def last(self):
        return self.seen[-1]

    def forget(self):
        self.seen.clear()
        self.answers.clear()

    def stop(self):
        """Refuse new connections and cut those that are open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        with contextlib.suppress(OSError, ValueError):  # the test, the gateway or TLS ended it
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._open.add(sock)
            with sock, sock.makefile("rb") as stream:
                while (seen := _read(stream, number)) is not None:
                    self.seen.append(seen)
                    said = self.answers.get(seen.target.partition("?")[0], _default)
                    said = said(seen) if callable(said) else said
                    if said is None:
                        break
                    sock.sendall(said)
        self._open.discard(sock)


def _default(seen):
    return answer(200, json.dumps({"line": seen.line}).encode(), [("Content-Type", "application/json")])


def _read(stream, number):
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    fields = dict(line.lower().split(b": ", 1) for line in bytes(head).split(b"\r\n")[1:] if line)
    if fields.get(b"transfer-encoding") == b"chunked":
        return Seen(bytes(head), _chunked(stream), number)
    return Seen(bytes(head), stream.read(int(fields.get(b"content-length", 0))), number)


def _chunked(stream):
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    while stream.readline() != b"\r\n":
        pass
    return body
