import pytest

from gateway.admin.control import Health


@pytest.mark.parametrize(
    ("health", "is_ready"),
    [
        (Health(store_up=True, draining=False), True),
        (Health(store_up=False, draining=False), False),
        (Health(store_up=True, draining=True), False),
        (Health(store_up=True, draining=False, listening=False), False),
        (Health(store_up=True, draining=False, config_stale=True), True),
        (Health(store_up=True, draining=False, upstreams={"odoo": (0, 2)}), True),
    ],
)
def test_ready_means_the_store_answers_and_nothing_is_being_drained(health, is_ready):
    assert health.is_ready is is_ready
