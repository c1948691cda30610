"""A client that sends exactly the bytes it is told, and reads the answer without opinions of its own."""

import json
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple
    body: bytes

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name):
        (value,) = self.all(name)
        return value

    @property
    def json(self):
        return json.loads(self.body)


class PlainClient:
    """Talks to one port. `wrap` may turn a socket into a TLS one."""

    def __init__(self, port, wrap=lambda sock: sock, host="erp.example"):
        self.port = port
        self.host = host
        self._wrap = wrap

    def connect(self):
        return Conversation(self._wrap(socket.create_connection(("127.0.0.1", self.port), 10)))

    def send(self, raw):
        """One request as bytes on a connection of its own."""
        with self.connect() as conversation:
            conversation.send(raw)
            return conversation.receive(head_only=raw.startswith(b"HEAD "))

    def ask(self, method, target, headers=(), body=None, *, host=None):
        """One request on a connection of its own; `headers` are pairs, sent in order and as they are."""
        return self.send(request(method, target, headers, body, host=host or self.host))

    def get(self, target, *headers, **options):
        return self.ask("GET", target, headers, **options)

    def post(self, target, value=None, *headers):
        """JSON unless it is bytes already."""
        if isinstance(value, bytes):
            return self.ask("POST", target, headers, value)
        body = b"" if value is None else json.dumps(value).encode()
        return self.ask("POST", target, [("Content-Type", "application/json"), *headers], body)


class Conversation:
    """One connection."""

    def __init__(self, sock):
        self.socket = sock
        self._stream = sock.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stream.close()
        self.socket.close()

    def send(self, raw):
        self.socket.sendall(raw)

    def ask(self, method, target, headers=(), body=None, host="erp.example"):
        self.send(request(method, target, headers, body, host=host))
        return self.receive(head_only=method == "HEAD")

    def receive(self, *, head_only=False):
        """The next final answer. Raises EOFError where the connection ends first."""
        line = self._stream.readline()
        if not line:
            raise EOFError
        version, status, *_ = line.split(b" ")
        assert version == b"HTTP/1.1", line
        headers = []
        while (line := self._stream.readline()) != b"\r\n":
            if not line:
                raise EOFError
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
            headers.append((name, value))
        if status.startswith(b"1"):
            return self.receive(head_only=head_only)
        return Answer(int(status), tuple(headers), b"" if head_only else self._body(int(status), headers))

    def at_end(self):
        """The other side has closed."""
        return self._stream.read(1) == b""

    def _body(self, status, headers):
        fields = {name.lower(): value for name, value in headers}
        if status in {204, 304}:
            return b""
        if "transfer-encoding" in fields:
            body = b""
            while size := int(self._stream.readline(), 16):
                body += self._stream.read(size)
                self._stream.readline()
            while self._stream.readline() not in {b"\r\n", b""}:
                pass
            return body
        if "content-length" in fields:
            body = self._stream.read(int(fields["content-length"]))
            if len(body) < int(fields["content-length"]):
                raise EOFError
            return body
        return self._stream.read()


def request(method, target, headers=(), body=None, *, host="erp.example"):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def bearer(token):
    return ("Authorization", f"Bearer {token}")
