import json
import os
import threading

import pytest

from gateway.observe.log_writer import AppendedFile, Descriptor, LogWriter, Streams, stamped, whole_lines, write_all

NOON = 1_700_000_000.5


class Gate:
    """An output that a test can stall, break and mend."""

    def __init__(self):
        self.written = []
        self.passable = threading.Event()
        self.entered = threading.Event()
        self.broken = False
        self.closed = False

    def write(self, data):
        self.entered.set()
        self.passable.wait(60)
        if self.broken:
            raise OSError("no space left")
        self.written.append(data)

    def close(self):
        self.closed = True


def test_lines_arrive_in_order_and_closing_waits_for_them():
    gate = Gate()
    gate.passable.set()
    writer = LogWriter(gate, lambda: NOON)
    for number in range(100):
        writer.write(b"%d\n" % number)
    writer.close()

    assert b"".join(gate.written) == b"".join(b"%d\n" % number for number in range(100))
    assert gate.closed
    assert writer.dropped == 0


def test_a_stalled_reader_costs_lines_and_never_the_caller():
    gate = Gate()
    writer = LogWriter(gate, lambda: NOON, pending_bytes=10)
    writer.write(b"first\n")
    gate.entered.wait(60)
    writer.write(b"2nd\n")
    writer.write(b"third\nfourth\n")  # does not fit: returns at once

    assert writer.dropped == 2
    gate.passable.set()
    writer.close()
    lines = b"".join(gate.written).splitlines()
    assert lines[0] == b"first"
    assert json.loads(lines[1])["event"] == "log_lines_dropped"
    assert json.loads(lines[1])["count"] == 2
    assert lines[2] == b"2nd"


def test_what_a_full_disk_swallows_is_counted():
    gate = Gate()
    gate.broken = True
    gate.passable.set()
    writer = LogWriter(gate, lambda: NOON)
    writer.write(b"lost\nlost too\n")
    writer.close()

    assert writer.dropped == 2


def test_closing_does_not_wait_for_a_reader_that_never_comes_back():
    gate = Gate()
    writer = LogWriter(gate, lambda: NOON)
    writer.write(b"stuck\n")
    writer.close(timeout=0.01)

    assert not gate.closed
    writer.write(b"too late\n")
    assert writer.dropped == 1
    gate.passable.set()


def test_a_rotated_file_is_followed(tmp_path):
    path = tmp_path / "access.log"
    output = AppendedFile(path)
    output.write(b"one\n")
    path.rename(tmp_path / "access.log.1")
    output.write(b"two\n")
    output.close()

    assert (tmp_path / "access.log.1").read_bytes() == b"one\n"
    assert path.read_bytes() == b"two\n"


def test_a_pipe_made_non_blocking_by_somebody_else_loses_nothing():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = b"x" * 300_000
    received = bytearray()

    def read():
        while piece := os.read(reading, 65536):
            received.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    Descriptor(writing).write(data)
    os.close(writing)
    reader.join(60)
    os.close(reading)

    assert bytes(received) == data


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", []),
        (b"a\nb\n", [b"a\nb\n"]),
        (b"aaaa\nbbbb\ncccc\n", [b"aaaa\nbbbb\n", b"cccc\n"]),
        (b"a line too long\nb\n", [b"a line too long\n", b"b\n"]),
        (b"b\na line too long\n", [b"b\n", b"a line too long\n"]),
        (b"no end, and too long", [b"no end, and too long"]),
    ],
)
def test_what_a_pipe_takes_in_one_piece_ends_with_a_line(data, pieces):
    assert list(whole_lines(data, 10)) == pieces


def test_lines_of_two_processes_never_end_up_inside_each_other():
    """Two writers on one pipe, each with batches far larger than what a pipe takes in one piece."""
    reading, writing = os.pipe()
    read = bytearray()

    def drain():
        while part := os.read(reading, 65536):
            read.extend(part)

    def fill(letter):
        output = Descriptor(writing, atomic_lines=True)
        for _ in range(30):
            output.write((letter * 200 + b"\n") * 100)

    reader = threading.Thread(target=drain)
    reader.start()
    writers = [threading.Thread(target=fill, args=(letter,)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    os.close(writing)
    reader.join()
    os.close(reading)

    assert set(bytes(read).splitlines()) == {b"a" * 200, b"b" * 200}
    assert len(read) == 2 * 30 * 100 * 201


def test_a_pipe_without_a_reader_is_an_error_of_the_operating_system():
    reading, writing = os.pipe()
    os.close(reading)

    with pytest.raises(OSError, match="Broken pipe"):
        write_all(writing, b"x")
    os.close(writing)


def test_streams_share_one_writer_per_name_and_report_what_each_lost(tmp_path):
    streams = Streams(tmp_path, lambda: NOON)

    access, audit = streams.open("logs.json"), streams.open("logs.json")
    assert access is audit
    assert streams.open("off") is None
    access.write(b"{}\n")
    assert streams.dropped() == {("logs.json",): 0}
    streams.close()
    assert (tmp_path / "logs.json").read_bytes() == b"{}\n"


def test_a_log_file_that_cannot_be_opened_is_told_at_once(tmp_path):
    streams = Streams(tmp_path, lambda: NOON)

    with pytest.raises(OSError, match="nowhere"):
        streams.open("nowhere/access.log")


def test_standard_output_and_error_can_be_named(tmp_path):
    streams = Streams(tmp_path, lambda: NOON)

    assert streams.open("stdout") is not streams.open("stderr")
    streams.close()
    assert os.fstat(1)
    assert os.fstat(2)


def test_a_stamped_line_starts_with_the_time_in_utc():
    assert stamped(NOON, {"event": "x", "path": tuple}) == (
        b'{"ts":"2023-11-14T22:13:20.500Z","event":"x","path":"<class \'tuple\'>"}\n'
    )
