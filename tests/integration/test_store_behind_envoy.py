"""Redis behind Envoy's fault filter: a tenth of all commands fails, another tenth is a second late."""

import subprocess
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest
from fakes.fronts import program
from fakes.ports import free_port
from fakes.store_house import DURABLE, StoreHouse, within

ENVOY = """\
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.redis_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
          stat_prefix: store
          settings: {{op_timeout: 5s}}
          prefix_routes: {{catch_all_route: {{cluster: redis}}}}
          faults:
          - {{fault_type: ERROR, fault_enabled: {{default_value: {{numerator: 0}}, runtime_key: store.errors}}}}
          - {{fault_type: DELAY, fault_enabled: {{default_value: {{numerator: 0}}, runtime_key: store.delays}}, delay: 1s}}
  clusters:
  - name: redis
    type: STATIC
    load_assignment:
      cluster_name: redis
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {redis}}}}}}}}}]}}]
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}}}
layered_runtime: {{layers: [{{name: admin, admin_layer: {{}}}}]}}
"""
PERCENT = 10


class Envoy:
    """Envoy's proxy for Redis."""

    def __init__(self, directory, redis):
        self.port, self._admin = free_port(), free_port()
        file = directory / "envoy.yaml"
        file.write_text(ENVOY.format(port=self.port, admin=self._admin, redis=redis))
        command = [program("envoy"), "-c", str(file), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
        self._process = subprocess.Popen(command, cwd=directory)

    def break_down(self, percent):
        """So many commands of a hundred fail, and as many are late."""
        where = f"http://127.0.0.1:{self._admin}/runtime_modify?store.errors={percent}&store.delays={percent}"
        urllib.request.urlopen(urllib.request.Request(where, method="POST"), timeout=60).close()

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._admin}/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture
def house(tmp_path):
    redis = free_port()
    envoy = Envoy(tmp_path, redis)
    options = (*DURABLE, "--port", str(redis))
    house = StoreHouse("redis", tmp_path, options=options, url=f"redis://127.0.0.1:{envoy.port}")
    house.envoy = envoy
    try:
        house.server.start()
        within(envoy.answers)
        house.gateway.launch()
        within(house.answers)
        yield house
    finally:
        house.stop()
        envoy.stop()


def test_requests_are_served_or_503_in_time_and_never_for_somebody_else(house):
    """Envoy passes no subscription on: nothing is served from memory, and every request asks the store."""
    pairs = {name: house.log_in(name) for name in ("ada", "bob")}
    assert all(house.is_served(pair) for pair in pairs.values())
    house.envoy.break_down(PERCENT)

    def ask(number):
        name = ("ada", "bob")[number % 2]
        answer, seconds = house.ask(pairs[name], f"/orders/{name}")
        if answer.status == 503:
            time.sleep(0.1)  # a client that does not come again at once, as Retry-After says
        return answer.status, seconds

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(ask, range(300)))

    statuses = Counter(status for status, _ in found)
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 15
    assert statuses[503] > 15
    assert median(seconds for _, seconds in found) < 1.0
    assert max(seconds for _, seconds in found) < 3.0
    served = [seen for seen in house.erp.seen if seen.target in {"/orders/ada", "/orders/bob"}]
    assert all(seen.one("X-Auth-User") == seen.target.rpartition("/")[2] for seen in served)

    house.envoy.break_down(0)
    within(lambda: all(house.is_served(pair) for pair in pairs.values() for _ in range(10)))


def test_logins_and_refreshes_are_whole_or_503_and_nothing_is_consumed(house):
    pair = house.log_in()
    house.envoy.break_down(PERCENT)

    answers = [house.try_to_log_in(name)[0] for name in ("ada", "bob") for _ in range(10)]
    refreshed = [house.refresh(pair)[0] for _ in range(10)]

    house.envoy.break_down(0)
    assert {answer.status for answer in answers} <= {200, 429, 503}
    assert {answer.status for answer in refreshed} <= {200, 503}
    for answer in answers:
        if answer.status == 200:
            within(lambda told=answer.json: house.is_served(told))
    within(lambda: house.refresh(pair)[0].status == 200)
