"""Log files that are being written: only whole lines count, since a reader may come in the middle of one."""

import json
import time


def whole_lines(path):
    """The lines that have ended; none where there is no file."""
    text = path.read_text() if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def entries(path):
    """The lines that are JSON objects, read."""
    return [json.loads(line) for line in whole_lines(path) if line.startswith("{")]


def line_with(path, text, *, seconds=30.0):
    """The one line with this text, once it is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := [line for line in whole_lines(path) if text in line]:
            (line,) = found
            return line
        time.sleep(0.01)
    raise AssertionError(f"no line of {path.name} says {text} within {seconds} s")
