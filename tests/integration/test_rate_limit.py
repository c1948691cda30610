"""A route's rate limit holds for one caller whichever worker serves him, and over reloads."""

import pytest
from fakes.demo_upstream import demo_behind
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD
from fakes.waiting import eventually

CONFIG = """\
server: {{workers: 2, public_url: "http://erp.example"}}
{logins}
upstreams:
  demo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /whoami, upstream: demo, rate_limit: {{requests: 20, per: 10m}}}}
  - {{name: free, path: /**, upstream: demo, anonymous: ["/**"]}}
"""


@pytest.fixture
def gateway(tmp_path):
    with demo_behind(tmp_path, CONFIG) as gateway:
        yield gateway


async def test_two_workers_count_as_one(gateway):
    client = PlainClient(gateway.port)
    token = client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"]

    answers = [client.get("/whoami", bearer(token)) for _ in range(40)]  # each on a connection of its own
    assert [answer.status for answer in answers] == [200] * 20 + [429] * 20
    assert 1 <= int(answers[-1].one("Retry-After")) <= 30
    assert client.get("/stream?count=1").status == 200

    config = gateway.directory / "config.yaml"
    config.write_text(config.read_text() + "x-note: reloaded\n")
    served = gateway.directory / "stderr"
    assert await eventually(lambda: "configuration reloaded" in served.read_text(), seconds=20)

    assert client.get("/whoami", bearer(token)).status == 429
    other = client.post("/auth/login", {"username": "bob", "password": PASSWORD}).json["access_token"]
    assert client.get("/whoami", bearer(other)).status == 200
