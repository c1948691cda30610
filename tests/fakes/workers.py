"""The workers of a running gateway, as the system and its metrics show them."""

import asyncio
import re
from pathlib import Path

from fakes.plain_client import PlainClient
from fakes.small_shop import LOGINS
from fakes.waiting import eventually


def crew_config(erp_port, *, workers=2, drain="10s"):
    """One open and one protected path, before an ERP; the private store may take its time."""
    return f"""\
server: {{public_url: "http://erp.example", workers: {workers}, timeouts: {{drain: {drain}}}}}
store: {{url: embedded://state, timeout: 10s}}
{LOGINS}
upstreams:
  erp: {{servers: ["http://127.0.0.1:{erp_port}"]}}
routes:
  - {{name: images, path: /**, upstream: erp, anonymous: ["/open/**"]}}
"""


def workers_of(gateway):
    """The process ids of the workers that live now."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (place / "stat").read_text().rpartition(") ")[2].split()[:2]
            is_worker = "gateway.app.worker" in (place / "cmdline").read_text()
        except OSError:
            continue
        if int(parent) == gateway.pid and is_worker and state != "Z":
            found.append(int(place.name))
    return sorted(found)


def metrics(gateway):
    text = PlainClient(gateway.admin_port, host="localhost").get("/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^(gateway_\S+) (\S+)$", text, re.MULTILINE)}


async def both_serve(gateway, without=()):
    async def check():
        figures = await asyncio.to_thread(metrics, gateway)
        up = all(figures[f'gateway_worker_up{{worker="{number}"}}'] == 1.0 for number in (1, 2))
        return up and not set(without) & set(workers_of(gateway))

    await eventually(check, seconds=60)
