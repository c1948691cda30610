"""A transport without a socket: keeps what is written, and says what was asked of it."""


class StillTransport:
    """Open until it is closed or aborted; `sent` is everything written."""

    def __init__(self, peer=("192.0.2.7", 5000)):
        self.sent = b""
        self.writes = 0
        self.reading = True
        self.ended = ""
        self.eof = False
        self.protocol = None
        self.peer = peer
        self.buffered = 0

    def write(self, data):
        assert not self.ended, "written to after it was closed"
        self.sent += data
        self.writes += 1

    def writelines(self, parts):
        self.write(b"".join(parts))

    def take(self):
        """What was written since the last time."""
        sent, self.sent = self.sent, b""
        return sent

    def close(self):
        self.ended = self.ended or "closed"

    def abort(self):
        self.ended = "aborted"

    def is_closing(self):
        return bool(self.ended)

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.eof = True

    def set_write_buffer_limits(self, high):
        self.high = high

    def get_write_buffer_size(self):
        return self.buffered

    def set_protocol(self, protocol):
        self.protocol = protocol

    def get_extra_info(self, name):
        return self.peer if name == "peername" else None
