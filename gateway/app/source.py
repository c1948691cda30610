"""Where the configuration comes from: one file, what the environment adds, and the flags of the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.document import Loaded
from gateway.config.load import load


@dataclass(frozen=True, slots=True)
class Source:
    """Read at the start and again at each reload."""

    path: Path
    overrides: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Loaded:
        """What it says now. Raises ConfigRefused."""
        return load(self.path, os.environ, dict(self.overrides))
