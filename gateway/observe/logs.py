"""The program's own messages: Python's logging, as JSON or text, cleaned of secrets before they are written."""

import logging
import sys
from collections.abc import Callable

from gateway.observe.log_writer import stamped
from gateway.observe.redaction import redact

LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}

_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class JsonLines(logging.Formatter):
    """`{"ts", "level", "logger", "message"}` and, with an exception, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        fields: dict[str, object] = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            fields["exception"] = redact(self.formatException(record.exc_info))
        return stamped(record.created, fields).decode().rstrip("\n")


class TextLines(logging.Formatter):
    """For eyes: the message on one line, whatever it contains; a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line or, with an exception, several, without the last end."""
        moment = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        # Control characters are spelled out: what a client sent must not look like a line of ours.
        message = redact(record.getMessage()).translate(_UNPRINTABLE)
        line = f"{moment} {record.levelname.lower():7} {message}"
        return f"{line}\n{redact(self.formatException(record.exc_info))}" if record.exc_info else line


class QueuedHandler(logging.Handler):
    """Hands each record to a log writer, so that a message never waits for a terminal."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Format and queue."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - logging's own contract: a broken message must not break the caller
            self.handleError(record)
        else:
            self._write(line.encode("utf-8", "backslashreplace") + b"\n")


def set_up(level: str, write: Callable[[bytes], None], *, style: str = "auto") -> None:
    """Send all messages to `write`: ours from `level` on, those of libraries from warnings on.

    `style` is `json`, `text`, or `auto`: text on a terminal, JSON elsewhere.
    """
    handler = QueuedHandler(write)
    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler.setFormatter(TextLines() if as_text else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, LEVELS[level]))
    logging.getLogger("gateway").setLevel(LEVELS[level])
    logging.captureWarnings(capture=True)
