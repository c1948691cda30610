import asyncio
from types import SimpleNamespace

import pytest
from fakes.assembling import Assembler
from fakes.wire import ScriptedTopology
from fakes.wired_gate import Wired

from gateway.admin.control import Lifting
from gateway.app.control import LocalControl
from gateway.errors import BadRequest, NotFound
from gateway.model import Session
from gateway.reload import ReloadReport
from gateway.state.calls import Calls
from gateway.state.keys import Keys
from gateway.tokens.session_id import public_id

SESSION = Session("store-id", "native", "staff", "101", "ada", 1.0, tenant="HQ")


class Store:
    """Keeps what it is told to end."""

    def __init__(self):
        self.ended = []
        self.pool = ScriptedTopology()
        self.calls = Calls(self.pool, timeout=5.0)
        self.keys = Keys("gw:")

    async def revoke_session(self, session_id, cause):
        self.ended.append((session_id, cause))
        return session_id == SESSION.id

    async def revoke_user(self, *who):
        self.ended.append(who)

    async def revoke_tenant(self, *which):
        self.ended.append(which)

    async def revoke_all(self, *cause):
        self.ended.append(cause)

    async def sessions_of(self, provider, user_id):
        return [SESSION] if user_id == "101" else []


@pytest.fixture
def process(tmp_path):
    assembler = Assembler(tmp_path)
    wired = Wired()
    audited = []
    current = assembler()
    service = SimpleNamespace(
        state=SimpleNamespace(store=Store(), feed=SimpleNamespace(store_answers=True), described="embedded store"),
        gate=wired.gate,
        current=current,
        loaded_at=2.0,
        shared=SimpleNamespace(audit=lambda event, **fields: audited.append((event, fields)), clock=lambda: 1.0),
    )

    async def figures():
        return wired.metrics.snapshot()

    stopping = asyncio.Event()
    yield SimpleNamespace(
        service=service,
        stop=stopping.set,
        reloader=SimpleNamespace(is_stale=False, last=None),
        figures=figures,
        workers=1,
        started=1.0,
        is_listening=True,
        stopping=stopping,
        audited=audited,
    )
    assembler.checks.close()


@pytest.fixture
def control(process):
    return LocalControl(process)


async def test_health_is_what_is_known_now(process, control):
    health = await control.health()
    assert health.store_up
    assert not health.draining
    assert health.upstreams == {"erp": (1, 1)}

    process.service.current.rules.upstreams[0].servers[0].healthy = False
    process.service.state.feed.store_answers = False
    process.stopping.set()
    health = await control.health()

    assert not health.store_up
    assert health.draining
    assert health.upstreams == {"erp": (0, 1)}


async def test_a_snapshot_names_the_routes_and_nothing_secret(control):
    snapshot = await control.snapshot()

    assert [route["name"] for route in snapshot.routes] == ["all"]
    assert (snapshot.started, snapshot.config_loaded, snapshot.store) == (1.0, 2.0, "embedded store")
    assert "argon2" not in repr(snapshot)


async def test_what_an_operator_ends_is_audited_by_its_public_id(process, control):
    assert await control.revoke_session("store-id")
    assert not await control.revoke_session("unknown")
    await control.revoke_user("staff", "101")
    await control.revoke_tenant("HQ")
    await control.revoke_all()

    cause = "revoked by an operator"
    assert process.service.state.store.ended == [
        ("store-id", cause),
        ("unknown", cause),
        ("staff", "101", cause),
        ("HQ", cause),
        (cause,),
    ]
    assert process.audited == [
        ("session_revoked", {"cause": cause, "session": public_id("store-id"), "ended": True}),
        ("session_revoked", {"cause": cause, "session": public_id("unknown"), "ended": False}),
        ("sessions_ended", {"cause": cause, "provider": "staff", "user_id": "101"}),
        ("sessions_ended", {"cause": cause, "tenant": "HQ"}),
        ("sessions_ended", {"cause": cause, "all": True}),
    ]


async def test_lifted_bans_are_audited_and_say_how_many(process, control):
    process.service.state.store.pool.answers[:] = [[], [], [], 0]

    assert await control.bans() == []
    assert await control.lift_bans(Lifting()) == 0
    assert await control.lift_bans(Lifting(address="192.0.2.7")) == 0

    told = {"cause": "lifted by an operator", "lifted": 0, "provider": ""}
    assert process.audited == [
        ("bans_lifted", {**told, "client": "", "all": True}),
        ("bans_lifted", {**told, "client": "192.0.2.7", "all": False}),
    ]


async def test_sessions_without_an_end_say_so(control):
    (view,) = await control.sessions("staff", "101")

    assert (view.user, view.tenant, view.expires) == ("ada", "HQ", None)


async def test_draining_and_explaining_reach_the_gate(process, control):
    said = await control.explain("GET", "/orders/x", [])
    assert said.status == 401

    await control.drain()
    assert process.stopping.is_set()


@pytest.mark.parametrize(
    ("user", "remembered", "user_id"),
    [
        ("ADA", (), "1"),
        ("somebody@erp.example", (b"7",), "7"),
        ("101", (None,), "101"),
    ],
    ids=["listed by that name", "has logged in by that name", "has sessions under that id"],
)
async def test_a_user_is_found_by_name_or_id(process, control, user, remembered, user_id):
    process.service.state.store.pool.answers.extend(remembered)

    await control.revoke_named(user, "")

    assert process.service.state.store.ended == [("staff", user_id, "revoked by an operator")]


async def test_nobody_is_told_to_be_logged_out_who_is_not_known(process, control):
    process.service.state.store.pool.answers.append(None)

    with pytest.raises(NotFound):
        await control.revoke_named("typo", "staff")
    with pytest.raises(NotFound):
        await control.revoke_named("ada", "typo")

    assert process.service.state.store.ended == []


async def test_among_several_providers_the_user_s_is_named(process, control):
    process.service.current.logins.providers = {**process.service.current.logins.providers, "suppliers": object()}

    with pytest.raises(BadRequest):
        await control.revoke_named("ada", "")
    await control.revoke_named("ada", "staff")

    assert process.service.state.store.ended == [("staff", "1", "revoked by an operator")]


async def test_one_process_alone_is_not_restarted_worker_by_worker(control):
    report = await control.restart()

    assert not report.done
    assert "one process serves alone" in report.problem


async def test_a_snapshot_tells_what_is_declared_and_how_the_last_reload_went(process, control, tmp_path):
    assembler = Assembler(tmp_path)
    process.service.current = assembler(
        api_keys='[{id: scales, hash: "sha256:' + "a" * 64 + '", user: weigher, roles: [warehouse]}]',
        routes="[{name: all, path: /**, upstream: erp, hosts: [erp.example], anonymous: [/open/**], logins: [native]}]",
    )
    process.reloader.last = report = ReloadReport(accepted=False, at=3.0, problems=("config.yaml:1:1: no",))

    snapshot = await control.snapshot()

    assert snapshot.providers == ["staff"]
    assert snapshot.declared_keys == [
        {
            "id": "scales",
            "user": "weigher",
            "roles": ["warehouse"],
            "scopes": [],
            "routes": [],
            "expires": None,
            "blocked": False,
        }
    ]
    (route,) = snapshot.routes
    assert (route["hosts"], route["anonymous"], route["logins"]) == (["erp.example"], ["/open/**"], ["native"])
    assert snapshot.last_reload is report
    assembler.checks.close()
