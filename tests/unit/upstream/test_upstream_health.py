import asyncio

import pytest
from fakes.waiting import eventually

from gateway.upstream.health import HealthChecks
from gateway.upstream.pool import Endpoint, Server


class Answer:
    """What a probe got."""

    def __init__(self, status):
        self.status = status

    async def __aenter__(self):
        if isinstance(self.status, Exception):
            raise self.status
        return self

    async def __aexit__(self, *_):
        """Nothing to close."""


class Client:
    """Answers in order; the last answer for ever."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.asked = []

    def get(self, url, **options):
        self.asked.append((url, options))
        return Answer(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])


@pytest.fixture
def server():
    return Server(Endpoint("10.0.0.1", 8069), 1.0)


@pytest.fixture
def checks():
    return HealthChecks("erp", "/health?deep=1", 0.001, timeout=1.0)


@pytest.mark.parametrize(
    ("status", "up"),
    [
        (200, True),
        (302, True),
        (404, True),
        (499, True),
        (500, False),
        (503, False),
        (OSError("refused"), False),
        (TimeoutError(), False),
    ],
)
async def test_up_is_any_status_below_500(checks, server, status, up):
    client = Client(status)

    assert await checks.probe(client, server) == up
    assert client.asked[0][0] == "http://10.0.0.1:8069/health?deep=1"
    assert client.asked[0][1]["allow_redirects"] is False


async def test_a_change_of_mind_is_told_and_logged(checks, server, caplog, monkeypatch):
    verdicts = [True, False, False, True]
    changes = []

    async def probe(_client, _server):
        return verdicts.pop(0) if len(verdicts) > 1 else verdicts[0]

    monkeypatch.setattr(checks, "probe", probe)
    caplog.set_level("INFO")
    task = asyncio.ensure_future(checks.watch(server, lambda: changes.append(server.healthy)))

    await eventually(lambda: len(changes) == 2)
    task.cancel()
    await asyncio.wait([task])

    assert changes == [False, True]
    assert "erp: server http://10.0.0.1:8069 is down" in caplog.text
    assert "is up" in caplog.text
