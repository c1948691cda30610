"""`half_close.py HOST:PORT`: sends its input, stops sending at once, and prints what still comes and how it ends."""

import socket
import sys


def main(address):
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=60) as sock:
        sock.sendall(sys.stdin.buffer.read())
        sock.shutdown(socket.SHUT_WR)
        try:
            while received := sock.recv(65536):
                sys.stdout.buffer.write(received)
        except ConnectionResetError:
            sys.stdout.buffer.write(b"<reset>")


if __name__ == "__main__":
    main(sys.argv[1])
