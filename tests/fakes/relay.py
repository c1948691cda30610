"""A relay of bytes in front of an upstream that keeps all that it was sent, before anything could parse it."""

import contextlib
import socket
import threading


class Relay:
    """Listens on a free port of its own; `received` is what clients sent, one bytearray for each connection."""

    def __init__(self, host, port):
        self._upstream = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bytes_received(self):
        """Of all connections, one after the other."""
        return b"".join(self.received)

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        kept = bytearray()
        self.received.append(kept)
        with contextlib.suppress(OSError), client, socket.create_connection(self._upstream) as upstream:
            answers = threading.Thread(target=_pump, args=(upstream, client, bytearray()), daemon=True)
            answers.start()
            _pump(client, upstream, kept)
            answers.join()


def _pump(source, sink, kept):
    """Copy until the source ends; then end the sink."""
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            kept += block
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
