import json
import logging
import warnings

import pytest

from gateway.observe import logs


@pytest.fixture
def lines():
    """Logging is one per process: put back what a test set up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield []
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("gateway").setLevel(logging.NOTSET)


def test_messages_are_json_lines_without_secrets(lines):
    logs.set_up("info", lines.append, style="json")
    logging.getLogger("gateway.state").warning("cannot reach %s", "redis://u:SECRET@h:6379")

    line = json.loads(lines[0])
    assert list(line) == ["ts", "level", "logger", "message"]
    assert (line["level"], line["logger"]) == ("warning", "gateway.state")
    assert line["message"] == "cannot reach redis://u:[redacted]@h:6379"


def test_a_traceback_is_kept_and_cleaned(lines):
    logs.set_up("info", lines.append, style="json")
    try:
        raise ValueError("Bearer SECRETxyz")
    except ValueError:
        logging.getLogger("gateway").exception("failed")

    line = json.loads(lines[0])
    assert "ValueError" in line["exception"]
    assert b"SECRET" not in lines[0]


def test_a_message_cannot_forge_a_second_line_of_text(lines):
    logs.set_up("info", lines.append, style="text")
    logging.getLogger("gateway").info("user %s", "x\n2026-01-01 00:00:00 info    all is well\x1b[2J")

    assert lines[0].count(b"\n") == 1
    assert b"\\x0a" in lines[0]
    assert b"\x1b" not in lines[0]


def test_a_text_traceback_follows_its_message(lines):
    logs.set_up("info", lines.append, style="text")
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("gateway").exception("failed")

    assert lines[0].decode().splitlines()[0].endswith("error   failed")
    assert "KeyError" in lines[0].decode()


def test_the_level_is_for_us_and_libraries_speak_from_warnings_on(lines):
    logs.set_up("debug", lines.append, style="json")
    logging.getLogger("gateway.x").debug("ours")
    logging.getLogger("asyncio").info("theirs")
    logging.getLogger("asyncio").warning("theirs, and serious")

    assert [json.loads(line)["message"] for line in lines] == ["ours", "theirs, and serious"]


def test_an_error_level_silences_warnings(lines):
    logs.set_up("error", lines.append, style="json")
    logging.getLogger("gateway").warning("not now")
    logging.getLogger("aiohttp").warning("not now")

    assert lines == []


def test_warnings_of_python_are_logged(lines):
    logs.set_up("info", lines.append, style="json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    assert b"DeprecationWarning" in lines[0]


def test_a_message_with_wrong_arguments_does_not_reach_the_caller(lines, capsys, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logs.set_up("info", lines.append, style="json")
    logging.getLogger("gateway").info("%d", "not a number")

    assert lines == []


def test_a_terminal_gets_text_and_a_pipe_json(lines, monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    logs.set_up("info", lines.append)
    logging.getLogger("gateway").info("hello")

    assert not lines[0].startswith(b"{")
