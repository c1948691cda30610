"""docs/scaling.md counts what each operation asks of Redis: held to what a gateway sends to a real one."""

import asyncio
import re
from pathlib import Path

from chaos.rig import Rig
from chaos.rig_costs import costs
from chaos.rig_tap import Tap
from fakes.redis_rigs import Replicated

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
TIMES = 10


def promised():
    """Operation -> (commands sent, commands run in scripts, bytes sent, bytes back), of the page's table."""
    rows = re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE)
    return {name: (sent, int(run), *(int(each.replace(",", "")) for each in sizes)) for name, sent, run, *sizes in rows}


async def test_the_page_counts_what_a_gateway_asks_of_redis(tmp_path):
    with (
        Replicated("redis", tmp_path / "store", replicas=0) as store,
        Rig(tmp_path, store, seed=1, nodes=1, workers=1, timeout="10s") as rig,
    ):
        async with Tap(store.master.port) as tap:
            await asyncio.to_thread(rig.add_node, "tapped", store=tap.url)
            found = await costs(rig, tap, TIMES)

    told = promised()
    assert {name: (str(cost), cost.in_scripts) for name, cost in found.items()} == {
        name: (sent, run) for name, (sent, run, *_) in told.items()
    }
    for name, (_, _, bytes_in, bytes_out) in told.items():
        assert abs(found[name].bytes_in - bytes_in) <= 0.15 * bytes_in + 10, name
        assert abs(found[name].bytes_out - bytes_out) <= 0.15 * bytes_out + 10, name
