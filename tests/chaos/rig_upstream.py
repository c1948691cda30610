"""`rig_upstream.py PORT NAME SEED`: an upstream that echoes what it got, in whatever pieces a path asks for.

Each answer names the identity headers of its request, its target and its body, so that whoever reads it can tell whose
request it answers. `/echo/{how}/…`: `plain` one write · `split` chunks cut at random · `slow` the same with pauses ·
`error` a 500 · `die` closes without an answer · `cut` closes within the answer.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys

import httptools
import uvloop

IDENTITY = ("x-auth-user", "x-auth-user-id", "x-auth-roles", "x-auth-method")


class Echo(asyncio.Protocol):
    """One connection of the gateway's pool: requests of many clients, one after the other."""

    def __init__(self, name, dice, open_ones):
        self._name = name
        self._dice = dice
        self._open = open_ones
        self._parser = httptools.HttpRequestParser(self)
        self._tasks = set()
        self._turn = None

    def connection_made(self, transport):
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, _):
        self._open.discard(self)

    def abort(self):
        self._transport.abort()

    def data_received(self, data):
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self):
        self._target, self._headers, self._body = b"", {}, b""

    def on_url(self, part):
        self._target += part

    def on_header(self, name, value):
        self._headers[name.lower().decode("latin-1")] = value.decode("latin-1")

    def on_body(self, part):
        self._body += part

    def on_message_complete(self):
        told = {name: self._headers.get(name, "") for name in IDENTITY}
        told |= {"target": self._target.decode("latin-1"), "body": self._body.decode("latin-1"), "by": self._name}
        told["secrets"] = [name for name in ("authorization", "x-api-key", "cookie") if name in self._headers]
        how = told["target"].split("/")[2] if told["target"].count("/") > 1 else "plain"
        if how in {"split", "slow", "cut"}:
            self._turn = asyncio.ensure_future(self._pieces(told, self._turn, how))
            self._tasks.add(self._turn)
            self._turn.add_done_callback(self._tasks.discard)
        elif how == "die":
            self._transport.abort()
        else:
            self._write(self._whole(told, 500 if how == "error" else 200))

    def _write(self, data):
        if not self._transport.is_closing():
            self._transport.write(data)

    def _head(self, told, status):
        lines = [f"HTTP/1.1 {status} {'OK' if status == 200 else 'Broken'}", f"X-Target: {told['target']}"]
        return "\r\n".join([*lines, f"X-User: {told['x-auth-user']}", "Content-Type: application/json"]).encode()

    def _whole(self, told, status):
        body = json.dumps(told).encode()
        return self._head(told, status) + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def _pieces(self, told, before, how):
        if before is not None:
            await asyncio.wait([before])
        body, left = json.dumps(told).encode(), self._dice.randint(2, 6)
        data = self._head(told, 200) + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        while body:
            size = len(body) if left == 1 else min(len(body), self._dice.randint(1, 60))
            data += b"%x\r\n%b\r\n" % (size, body[:size])
            body, left = body[size:], left - 1
        if how == "cut":
            data = data[: self._dice.randint(1, len(data) - 1)]
        else:
            data += b"0\r\n\r\n"
        while data:  # cut anywhere, within a chunk's size line as well
            size = self._dice.randint(1, len(data))
            self._write(data[:size])
            data = data[size:]
            await asyncio.sleep(self._dice.uniform(0.001, 0.02) if how == "slow" else 0)
        if how == "cut":
            self._transport.close()


async def serve(port, name, seed):
    dice, open_ones, over = random.Random(seed), set(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(lambda: Echo(name, dice, open_ones), "127.0.0.1", port, backlog=1024)
    await over.wait()
    server.close()
    for one in list(open_ones):
        one.abort()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
