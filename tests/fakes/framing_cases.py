"""Streams of HTTP/1.1 requests for the framing fuzz test: well-formed ones, and ones with the mistakes attackers make."""

METHODS = (b"GET", b"GET", b"GET", b"HEAD", b"POST", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")

HEADERS = (
    b"Accept: */*",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Connection: X-Gone, keep-alive",
    b"X-Gone: 1",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Upgrade: websocket",
    b"Expect: 100-continue",
    b"Cookie: a=b",
    b"X-Auth-User: root",
    b"TE: trailers",
    b"Referer: http://a/?x=1",
    b"X-Empty:",
    b"X-High: \xe9\xff",
)

# What smuggling is made of (RFC 9112 section 11.2 and the advisories of other proxies).
SNIPPETS = (
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: chunked, chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n",
    b"Transfer_Encoding: chunked\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 5 \r\n",
    b"Content-Length: 1_0\r\n",
    b"Content-Length:\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length : 5\r\n",
    b"Content_Length: 5\r\n",
    b"content-length\x00: 5\r\n",
    b": 5\r\n",
    b"Host: b\r\n",
    b" folded\r\n",
    b"\tfolded\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\n\n",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"5;x=\r\nhello\r\n",
    b'5;x="\r\n"\r\nhello\r\n',
    b"ffffffffffffffff\r\n",
    b"00000000000000000\r\n\r\n",
    b"0x5\r\nhello\r\n",
    b"5 \r\nhello\r\n",
    b"5\nhello\n0\n\n",
    b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"\x00",
    b"\x7f",
    b"\x80",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
    b" HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
)


def stream(rng, number):
    """One client's bytes, the same for the same random state and number, and whether nothing is wrong with them."""
    data = b"".join(_request(rng, b"/c%d/%d" % (number, index)) for index in range(rng.randint(1, 4)))
    if rng.random() < 0.2:
        return data, True
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        data = rng.choice(_MUTATIONS)(rng, data)
    return data, False


def pieces(rng, data):
    """The stream as it is sent, in one piece or in several."""
    if rng.random() < 0.3:
        return [data]
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((1, 1, 2, 3, 8))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if start < end]


def _request(rng, path):
    method = rng.choice(METHODS)
    target = path + rng.choice((b"", b"", b"?q=1", b"/%7ex", b"?", b"/%C3%A9"))
    if rng.random() < 0.05:
        target = b"http://a" + target
    lines = [b"%b %b HTTP/1.%d" % (method, target, rng.random() > 0.1), b"Host: a"]
    lines += rng.sample(HEADERS, rng.choice((0, 0, 1, 2, 3)))
    body = _body(rng, lines, path) if method in {b"POST", b"PUT", b"PATCH"} or rng.random() < 0.15 else b""
    lines[1:] = rng.sample(lines[1:], len(lines) - 1)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _body(rng, lines, path):
    # Bodies look like requests, so that whoever loses count takes them for some.
    content = rng.choice(
        (b"", b"x", b"hello world", b"GET %b/inner HTTP/1.1\r\nHost: a\r\n\r\n" % path, b"\r\n\r\n", b"0\r\n\r\n")
    )
    content *= rng.choice((1, 1, 1, 3, 40))
    if rng.random() < 0.5:
        lines.append(b"Content-Length: %d" % len(content))
        return content
    lines.append(b"Transfer-Encoding: chunked")
    parts = []
    while content:
        size = rng.randint(1, len(content))
        extension = rng.choice((b"", b"", b"", b";a", b";a=b", b';a="b;c"'))
        parts.append(b"%b%x%b\r\n%b\r\n" % (rng.choice((b"", b"", b"00")), size, extension, content[:size]))
        content = content[size:]
    trailers = rng.choice((b"", b"", b"X-Sum: 1\r\n", b"X-Sum: 1\r\nX-Auth-User: root\r\n"))
    return b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def _insert_snippet(rng, data):
    lines = [0, *(at + 2 for at in range(len(data) - 1) if data[at : at + 2] == b"\r\n")]
    at = rng.choice(lines) if rng.random() < 0.7 else rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(SNIPPETS) + data[at:]


def _change_byte(rng, data):
    at = rng.randrange(len(data)) if data else 0
    return (
        data[:at]
        + rng.choice((b"\r", b"\n", b"\x00", b" ", b"\t", b":", b";", b",", b"0", b"9", b"a", b"\xff", b""))
        + data[at + 1 :]
    )


def _insert_byte(rng, data):
    at = rng.randrange(len(data) + 1)
    return (
        data[:at]
        + rng.choice((b"\r", b"\n", b"\x00", b" ", b"\t", b":", b"0", b"1", b"\x0b", b"\x0c", b"\x85", b"\xa0"))
        + data[at:]
    )


def _remove(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 1, 2, 4, 20)) :]


def _repeat(rng, data):
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 2, 10, 60, 200)))
    return data[:end] + data[start:end] + data[end:]


def _repeat_line(rng, data):
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    return b"\r\n".join([*lines[: at + 1], *lines[at:]])


def _remove_line(rng, data):
    lines = data.split(b"\r\n")
    del lines[rng.randrange(len(lines))]
    return b"\r\n".join(lines)


def _truncate(rng, data):
    return data[: rng.randrange(len(data) + 1)]


def _change_number(rng, data):
    digits = [at for at in range(len(data)) if data[at : at + 1].isdigit()]
    if not digits:
        return data
    at = rng.choice(digits)
    return (
        data[:at]
        + rng.choice((b"0", b"1", b"5", b"9", b"00", b"ff", b"-1", b"+1", b" ", b"1 1", b"1,1"))
        + data[at + 1 :]
    )


def _bare_line_ends(rng, data):
    at = data.find(b"\r\n", rng.randrange(len(data) + 1))
    return (
        data
        if at < 0
        else data[:at] + rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\r\n ")) + data[at + 2 :]
    )


_MUTATIONS = (
    _insert_snippet,
    _insert_snippet,
    _insert_snippet,
    _change_byte,
    _insert_byte,
    _remove,
    _repeat,
    _repeat_line,
    _remove_line,
    _truncate,
    _change_number,
    _bare_line_ends,
)
