from textwrap import dedent

import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigRefused


@pytest.fixture
def load_text(tmp_path):
    """Load a configuration given as text; `files` are written beside it."""

    def load_it(text, environ=None, flags=None, files=None):
        for name, content in (files or {}).items():
            (tmp_path / name).write_text(content)
        path = tmp_path / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return load(path, environ or {}, flags or {})

    return load_it


@pytest.fixture
def refused(load_text, tmp_path):
    """The problems of a configuration that must not load, as `line:column: where: message`."""

    def problems_of(text, environ=None, flags=None, files=None):
        with pytest.raises(ConfigRefused) as refusal:
            load_text(text, environ, flags, files)
        return [str(problem).removeprefix(f"{tmp_path}/config.yaml:") for problem in refusal.value.problems]

    return problems_of


@pytest.fixture
def warned(load_text, tmp_path):
    """The warnings of a configuration that loads."""

    def warnings_of(text, environ=None, flags=None, files=None):
        loaded = load_text(text, environ, flags, files)
        return [str(problem).removeprefix(f"{tmp_path}/config.yaml:") for problem in loaded.warnings]

    return warnings_of
