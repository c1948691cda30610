"""An HTTP/1.1 request reader written from RFC 9112 alone: strict, slow, and independent of the gateway's parser.

It is the referee of the framing fuzz test. Beyond the RFC's grammar it accepts only what cannot change where a request
ends: line ends of any spelling before a request line, and more than one space within it (sections 2.2 and 3).
"""

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_EMPTY_LINES = re.compile(rb"[\r\n]*")
_REQUEST_LINE = re.compile(rb"(%b) +([\x21-\x7e\x80-\xff]+) +HTTP/1\.([01])" % TOKEN)
_FIELD = re.compile(
    rb"(%b):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*" % TOKEN
)
_CHUNK = re.compile(rb"(0*[0-9A-Fa-f]{1,16})((?:;[\t\x20-\x7e\x80-\xff]*)?)")
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Malformed(Exception):
    """Not a request: nothing behind it may be read."""


class Incomplete(Exception):
    """More bytes are needed."""


class Framed(NamedTuple):
    """One request as it was framed."""

    method: bytes
    target: bytes
    minor: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    end: int
    """Where the next request begins."""

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name]

    @property
    def persists(self):
        """Whether another request may follow (RFC 9112, section 9.3)."""
        options = b",".join(self.values(b"connection") + self.values(b"proxy-connection")).lower().split(b",")
        options = [option.strip() for option in options]
        if b"close" in options or self.method == b"CONNECT":
            return False
        return self.minor == 1 or b"keep-alive" in options

    @property
    def key(self):
        """What must be the same on both sides of the gateway."""
        return self.method, canonical(self.target), self.body


def canonical(target):
    """The target as the gateway sends it: origin-form, escapes of unreserved characters decoded, others upper-case."""
    if not target.startswith(b"/"):
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    path, mark, query = target.partition(b"?")
    return _ESCAPE.sub(_respell, path) + mark + query


def _respell(escape):
    code = int(escape[0][1:], 16)
    return bytes((code,)) if code in _UNRESERVED else escape[0].upper()


def read_request(data, start=0):
    """The request that begins at `start`. Raises Incomplete or Malformed."""
    at = _EMPTY_LINES.match(data, start).end()
    line, at = _line(data, at)
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise Malformed(line)
    fields, at = _fields(data, at)
    framed = Framed(found[1], found[2], int(found[3]), fields, b"", at)
    return framed._replace(**_body(data, framed))


def read_all(data):
    """Every complete request of a client's stream, as far as anybody may read it."""
    requests, at = [], 0
    while True:
        try:
            framed = read_request(data, at)
        except (Incomplete, Malformed):
            return requests
        requests.append(framed)
        if not framed.persists:
            return requests
        at = framed.end


def _line(data, at):
    end = data.find(b"\n", at)
    if end < 0:
        raise Incomplete
    if end == at or data[end - 1 : end] != b"\r":
        raise Malformed("a line feed alone")
    return data[at : end - 1], end + 1


def _fields(data, at):
    fields = []
    while True:
        line, at = _line(data, at)
        if not line:
            return fields, at
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Malformed(line)
        fields.append((found[1], found[2]))


def _body(data, framed):
    codings, lengths = framed.values(b"transfer-encoding"), framed.values(b"content-length")
    if codings and (lengths or len(codings) > 1 or codings[0].lower() != b"chunked" or framed.minor == 0):
        raise Malformed("faulty framing")
    if codings:
        return _chunked(data, framed.end)
    if not lengths:
        return {}
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise Malformed("faulty length")
    end = framed.end + int(lengths[0])
    if end > len(data):
        raise Incomplete
    return {"body": data[framed.end : end], "end": end}


def _chunked(data, at):
    body = b""
    while True:
        line, at = _line(data, at)
        found = _CHUNK.fullmatch(line)
        if found is None:
            raise Malformed(line)
        size = int(found[1], 16)
        if size == 0:
            return {"body": body, "end": _fields(data, at)[1]}
        if at + size + 2 > len(data):
            raise Incomplete
        if data[at + size : at + size + 2] != b"\r\n":
            raise Malformed("a chunk without its end")
        body += data[at : at + size]
        at += size + 2
