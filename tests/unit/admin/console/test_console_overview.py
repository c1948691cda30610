from gateway.admin.console.overview import feed_is_up, servers_of, workers_of
from gateway.observe.metrics import Metrics
from gateway.reload import ReloadReport

REFUSED = ReloadReport(accepted=False, at=90.0, problems=("config.yaml:3:7: routes[0].upstream: no <b>oddo</b>",))


async def test_it_tells_what_is_up_and_what_is_down(operator):
    page = await operator.go("/")

    assert "Gateway ready" in page.text
    assert "embedded://state" in page.text
    assert "in force since 1970-01-01 00:00:02 UTC" in page.text
    assert "none since the start" in page.text
    assert ["odoo", "http://10.0.0.1:8069", "up"] in page.rows
    assert ["odoo", "http://10.0.0.2:8069", "down"] in page.rows
    assert "None serves yet." in page.text


async def test_a_store_that_is_away_does_not_take_the_overview_along(operator):
    operator.gateway.is_up = False
    operator.gateway.is_draining = True

    page = await operator.go("/")

    assert page.status == 200
    assert "not ready , draining" in page.text
    assert "Token store down" in page.text
    assert "every token is looked up in the store" in page.text


async def test_a_refused_file_is_told_with_line_and_column(operator):
    operator.gateway.last_reload = REFUSED

    page = await operator.go("/")

    assert "refused; the earlier configuration stays in force" in page.text
    assert "config.yaml:3:7: routes[0].upstream: no <b>oddo</b>" in page.text
    assert "<b>" not in page.source


async def test_workers_are_told_one_by_one(operator):
    operator.gateway.workers = 2

    page = await operator.go("/")

    assert ["1", "serving", "0", "0"] in page.rows
    assert ["2", "serving", "0", "0"] in page.rows


async def test_reloading_tells_what_has_changed(operator):
    await operator.go("/reload")
    page = await operator.send("/reload")

    assert page.place == "/reload"
    assert "The new configuration is in force. ~ routes[a].path: /a -> /b" in page.text
    assert "Accepted at 1970-01-01 00:00:01 UTC" in page.text
    assert "in force." not in (await operator.go("/reload")).text


async def test_reloading_tells_what_is_wrong(operator):
    operator.gateway.report = REFUSED
    await operator.go("/reload")

    page = await operator.send("/reload")

    assert "Refused. The old configuration stays in force: config.yaml:3:7:" in page.text
    assert ("div", {"class": "failed", "role": "alert"}) in page.tags


async def test_reloading_tells_what_waits_and_which_worker_did_not_follow(operator):
    operator.gateway.report = ReloadReport(
        accepted=True, at=1.0, problems=("worker 2: no file",), needs_restart=("server.workers",)
    )
    await operator.go("/reload")

    page = await operator.send("/reload")

    assert "Reloaded; nothing is different. server.workers waits for a restart worker 2: no file" in page.text
    assert ("div", {"class": "failed", "role": "alert"}) in page.tags


def test_figures_are_read_from_the_metrics():
    metrics = Metrics()
    metrics.watch("worker_up", lambda: {("1",): 1.0, ("2",): 0.0})
    metrics.watch("worker_connections", lambda: {("1",): 7.0})
    metrics.count("worker_restarts_total", "2", by=3)
    metrics.watch("upstream_up", lambda: {("b", "y"): 0.0, ("a", "x"): 1.0})
    metrics.watch("feed_up", lambda: {(): 0.0})
    found = metrics.snapshot()

    assert workers_of(found) == [("1", True, 7, 0), ("2", False, 0, 3)]
    assert servers_of(found) == [("a", "x", True), ("b", "y", False)]
    assert not feed_is_up(found)
