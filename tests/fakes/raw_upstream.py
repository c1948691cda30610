"""`raw_upstream.py HOST:PORT END`: prints one request byte for byte, up to END, and answers it 200."""

import socket
import sys


def main(address, end):
    host, _, port = address.rpartition(":")
    with socket.create_server((host, int(port)), reuse_port=False) as listener:
        listener.settimeout(60)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(60)
            received = b""
            while not received.endswith(end.encode()):
                more = sock.recv(65536)
                if not more:
                    break
                received += more
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            sys.stdout.write(f"{received}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].encode().decode("unicode_escape"))
