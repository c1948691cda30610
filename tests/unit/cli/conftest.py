import asyncio

import pytest
from click.testing import CliRunner
from fakes.admin import TOKEN, admin, listen

from gateway.cli import cli

__all__ = ["admin", "listen"]


@pytest.fixture
async def run(admin, tmp_path):
    """Runs `gateway …` with a configuration whose admin listener answers."""
    config = tmp_path / "config.yaml"
    config.write_text(
        f"admin: {{listen: '127.0.0.1:{admin.port}', token: {TOKEN}}}\n"
        "upstreams: {erp: {servers: ['http://127.0.0.1:8069']}}\n"
        "routes: [{path: /**, upstream: erp, public: true}]\n"
    )

    async def run(*words):
        return await asyncio.to_thread(CliRunner().invoke, cli, words, env={"GATEWAY_CONFIG": str(config)})

    return run
