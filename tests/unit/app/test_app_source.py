import pytest
from fakes.assembling import BASE

from gateway.app.source import Source
from gateway.config.problems import ConfigRefused

TEXT = "".join(f"{name}: {value}\n" for name, value in BASE.items())


def test_the_file_the_environment_and_the_flags_are_read_each_time(tmp_path, monkeypatch):
    file = tmp_path / "config.yaml"
    file.write_text(TEXT)
    source = Source(file, {"server.listen": "127.0.0.1:1"})
    monkeypatch.setenv("GATEWAY_SERVER_WORKERS", "3")

    config = source.load().config

    assert (str(config.server.listen), config.server.workers) == ("127.0.0.1:1", 3)
    file.write_text("nonsense")
    with pytest.raises(ConfigRefused):
        source.load()
