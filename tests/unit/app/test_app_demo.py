import pytest

from gateway.app import demo as demo_module
from gateway.config.problems import ConfigRefused


def test_the_configuration_here_comes_before_the_packaged_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, settings = demo_module._sample({"server.listen": "127.0.0.1:1"})
    assert path.name == "config.yaml"
    assert path.is_absolute()
    assert settings == {"server.listen": "127.0.0.1:1", "store.url": f"embedded://{tmp_path / 'state'}"}

    (tmp_path / "config.yaml").write_text("")
    path, settings = demo_module._sample({})
    assert (str(path), settings) == ("config.yaml", {})


def test_an_explicit_store_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    _, settings = demo_module._sample({"store.url": "embedded://elsewhere"})

    assert settings["store.url"] == "embedded://elsewhere"


async def test_a_configuration_without_the_demo_upstream_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(
        'upstreams: {erp: {servers: ["http://h"]}}\nroutes: [{path: /**, upstream: erp}]\n'
    )

    with pytest.raises(ConfigRefused):
        await demo_module._serve({})
