"""Process life: listeners, signals, reload and graceful drain."""

from gateway.app.demo import demo
from gateway.app.process import run

__all__ = ["demo", "run"]
