"""Service accounts over a reload and at the end of a process, before a fake Jmix."""

import pytest
from fakes.jmix import CLIENT, SECRET, Jmix
from fakes.waiting import eventually

from gateway.assembly import accounts

PROVIDERS = f"{{erp: {{type: jmix, upstream: erp, client_id: {CLIENT}, client_secret: {SECRET}}}}}"
LOGINS = "{native: {dialect: native, path: /auth, identity_provider: erp}}"


@pytest.fixture
def erp():
    fake = Jmix()
    yield fake
    fake.stop()


@pytest.fixture
async def build(assembler, erp):
    """Builds a configuration whose upstream has a service account; the calls to the ERP end with the test."""
    made = []

    def build(**changes):
        name = changes.pop("name", "bob")
        declared = f"service_account: {{username: {name}, password: correct horse}}"
        injector = f"injector: {{erp_session: {{identity_provider: erp, {declared}}}}}"
        upstreams = f'{{erp: {{servers: ["{erp.url}"], {changes.pop("injector", injector)}}}}}'
        sections = {"identity_providers": PROVIDERS, "logins": LOGINS, "upstreams": upstreams, **changes}
        loaded = assembler.load(**sections)
        shared = assembler.shared(loaded)
        made.append(shared)
        return assembler.assemble(loaded, shared)

    yield build
    for shared in made:
        await shared.erp_connections.close()


def service(assembled):
    return assembled.upstreams.by_name["erp"].erp.service


async def test_an_account_that_stays_is_not_signed_in_again(build, erp):
    before, after = build(), build(routes="[{name: all, path: /x/**, upstream: erp}]")
    held = await service(before).get()

    accounts.hand_over(before, after)

    assert await service(after).get() is held
    assert len(erp.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ada"},
        {"injector": "injector: none"},
        {"identity_providers": PROVIDERS.replace("type: jmix", "type: jmix, roles: [x]")},
    ],
)
async def test_an_account_that_changes_signs_out_when_nobody_needs_it(build, erp, monkeypatch, change):
    monkeypatch.setattr(accounts, "_LINGER", 0.0)
    before, after = build(), build(**change)
    await service(before).get()

    accounts.hand_over(before, after)

    await eventually(lambda: not erp.access)


async def test_at_the_end_of_the_process_accounts_sign_out(build, erp):
    built = build()
    await service(built).get()

    await accounts.leave(built)

    assert not erp.access


async def test_an_erp_that_does_not_answer_holds_no_process_up(build, erp, monkeypatch):
    monkeypatch.setattr(accounts, "_FAREWELL", 0.05)
    built = build()
    await service(built).get()
    erp.script("/oauth/revoke", "slow")

    await accounts.leave(built)

    assert erp.access


async def test_where_nobody_signs_in_nobody_signs_out(assembler):
    accounts.hand_over(assembler(), assembler())
    await accounts.leave(assembler())
