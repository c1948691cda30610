"""An upstream on blocking sockets, one thread for each connection: each request is handed to a function of the test."""

import contextlib
import socket
import threading


class PlainUpstream:
    """Accepts on `port` until it is closed; `serve(sock, head)` gets each connection with what came with its first head."""

    def __init__(self, port, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self._threads = [threading.Thread(target=self._accept)]
        self._open = []
        self._threads[0].start()

    def close(self):
        """End all connections, and wait until nobody is served any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._open.append(sock)
                thread = threading.Thread(target=self._one, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _one(self, sock):
        with sock, contextlib.suppress(OSError):
            while head := read_head(sock):
                self._serve(sock, head)


def read_head(sock):
    """Up to the empty line, and whatever came with it; empty at the end."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            return b""
        data += more
    return data


def read_exactly(sock, count, buffer):
    """Throw `count` bytes away. Returns how many came."""
    left = count
    while left and (got := sock.recv_into(buffer, min(left, len(buffer)))):
        left -= got
    return count - left
