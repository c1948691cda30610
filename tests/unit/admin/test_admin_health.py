async def test_alive_says_nothing_about_the_store(admin):
    admin.gateway.is_up = False
    answer = await admin.ask("GET", "/healthz", token="")

    assert answer.status == 200
    assert await answer.json() == {"status": "ok"}


async def test_ready_while_the_store_answers(admin):
    answer = await admin.ask("GET", "/readyz", token="")

    assert answer.status == 200
    assert await answer.json() == {
        "status": "ready",
        "components": {
            "config": "ok",
            "store": "up",
            "listening": True,
            "draining": False,
            "upstreams": {"odoo": "1/2 up"},
        },
    }


async def test_a_dead_store_and_a_drain_take_the_gateway_out(admin):
    admin.gateway.is_up = False
    assert (await admin.ask("GET", "/readyz", token="")).status == 503
    admin.gateway.is_up = True
    admin.gateway.is_draining = True
    assert (await admin.ask("GET", "/readyz", token="")).status == 503


async def test_a_refused_file_is_told_and_does_not_take_the_gateway_out(admin):
    admin.gateway.is_stale = True
    answer = await admin.ask("GET", "/readyz", token="")

    assert answer.status == 200
    assert (await answer.json())["components"]["config"] == "stale"


async def test_metrics_need_no_token(admin):
    answer = await admin.ask("GET", "/metrics", token="")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert 'gateway_requests_total{code="200",method="GET",route="orders"} 7.0' in await answer.text()


async def test_only_the_exact_paths_are_probes(admin):
    assert (await admin.ask("GET", "/healthz/", token="")).status == 404
    assert (await admin.ask("GET", "/healthz", token="", headers={"User-Agent": "kube-probe/1.30"})).status == 200
    assert (await admin.ask("GET", "/anything", token="", headers={"User-Agent": "kube-probe/1.30"})).status == 404
