import pytest

from gateway.observe.metrics import Metrics
from gateway.observe.tally import Tally


@pytest.fixture
def told():
    return []


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def tally(told, metrics):
    return Tally(lambda event, **fields: told.append((event, fields)), metrics)


@pytest.mark.parametrize(
    ("event", "fields", "family", "labels"),
    [
        ("login", {"login": "native", "result": "accepted"}, "logins_total", ["native", "accepted"]),
        ("refresh", {"login": "oauth2", "result": "replayed"}, "refreshes_total", ["oauth2", "replayed"]),
        ("banned", {"scope": "address", "client": "192.0.2.7"}, "bans_total", ["address"]),
        ("logout", {"login": "native"}, "sessions_revoked_total", ["logout"]),
        ("session_revoked", {"cause": "user removed"}, "sessions_revoked_total", ["user removed"]),
        ("sessions_ended", {"user": "x"}, "sessions_revoked_total", ["all ended by user"]),
    ],
)
def test_an_event_is_counted_and_passed_on(tally, metrics, told, event, fields, family, labels):
    tally(event, **fields)

    assert metrics.snapshot()[family] == [[labels, 1]]
    assert told == [(event, fields)]


@pytest.mark.parametrize(
    ("event", "fields"), [("reload", {"result": "accepted"}), ("session_revoked", {"ended": False, "cause": "x"})]
)
def test_what_has_no_figure_is_only_passed_on(tally, metrics, told, event, fields):
    before = metrics.snapshot()
    tally(event, **fields)

    assert metrics.snapshot() == before
    assert told == [(event, fields)]
