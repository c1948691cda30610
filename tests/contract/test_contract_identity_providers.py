"""What holds for every identity provider in the registry."""

import pytest
from fakes.erp_rig import CHOICE, ERPS, LOGIN_PATHS, RENEW_PATHS, asking, provider
from fakes.ports import free_port
from fakes.token_fixtures import checks
from fakes.token_rig import START, ManualClock, call, users

from gateway.errors import AccountLocked, ErpDown, ErpNonsense, ErpSlow
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers.contract import ProviderTools
from gateway.identity_providers.users import Users
from gateway.model import Session

__all__ = ["checks"]

PASSWORD = "correct horse"
KINDS = sorted(PROVIDERS)
ERP_KINDS = sorted(set(PROVIDERS) - {"users"})


@pytest.fixture
def erp(request):
    made = ERPS[request.param]()
    made.kind = request.param
    yield made
    made.stop()


each_erp = pytest.mark.parametrize("erp", ERP_KINDS, indirect=True)


@pytest.fixture
async def known(erp, checks):
    """A provider in front of the fake ERP."""
    async with asking(erp.port) as client:
        yield provider(erp.kind, client, ManualClock(), checks, timeout="500ms")


@pytest.fixture
async def any_provider(request, checks):
    if request.param == "users":
        yield Users(users("ada"), ProviderTools("erp-users", checks))
        return
    fake = ERPS[request.param]()
    async with asking(fake.port) as client:
        yield provider(request.param, client, ManualClock(), checks)
    fake.stop()


each_provider = pytest.mark.parametrize("any_provider", KINDS, indirect=True)


def session_of(account, **changes):
    facts = {"user_id": account.id, "user": account.name, "created": START, **changes}
    return Session("s1", "native", account.provider, **facts)


def test_every_type_is_tried():
    assert set(ERP_KINDS) == set(ERPS)


@each_provider
async def test_a_provider_knows_its_user_under_its_own_name(any_provider):
    account = await any_provider.verify("ada", PASSWORD, call())

    assert any_provider.name == account.provider == "erp-users"
    assert account.name == "ada"
    assert account.scopes[:1] == ("rest-api",)
    again = await any_provider.lookup(account.id, session_of(account))
    assert (again.id, again.name, again.roles, again.scopes) == (
        account.id,
        account.name,
        account.roles,
        account.scopes,
    )


@each_provider
@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", ""), ("", "")])
async def test_a_wrong_name_or_password_is_none(any_provider, name, password):
    assert await any_provider.verify(name, password, call()) is None


@each_provider
async def test_nobody_is_found_by_a_name_that_is_no_id(any_provider):
    assert await any_provider.lookup("ada") is None


# -- those that sign in to an ERP


@each_erp
async def test_a_tenant_that_was_chosen_stays_the_users_own(known):
    account = await known.verify("ada", PASSWORD, call())

    again = await known.lookup(account.id, session_of(account, tenant="GardenWorld"))

    assert again.default_tenant == "GardenWorld"


@each_erp
async def test_the_clients_address_is_passed_on(erp, known):
    await known.verify("ada", PASSWORD, call())

    assert erp.asked_for(LOGIN_PATHS[erp.kind])[0].headers["x-forwarded-for"] == "192.0.2.7"


@each_erp
async def test_the_erp_session_opens_the_erp(erp, known):
    session = await signed_in(known)

    assert (await ask(erp, session)).status == 200
    assert {name.lower() for name, _ in session.headers} <= known.headers, "none of them passes from a client"
    assert {name for name, _ in session.cookies} <= known.cookies  # a client's are stopped where we send none, too


@each_erp
async def test_no_password_and_no_credential_is_shown(known):
    account = await known.verify("ada", PASSWORD, call())
    session = await known.settle(account.erp_session, CHOICE)

    shown = repr((account, session, known))
    assert PASSWORD not in repr((session.headers, session.cookies, session.secrets, session.facts))
    for _, value in (*session.headers, *session.cookies):
        assert value not in shown
    for secret in session.secrets.values():
        assert not secret or secret not in shown


@each_erp
async def test_a_locked_account_is_not_a_wrong_password(erp, known):
    erp.locked.add("ada")

    with pytest.raises(AccountLocked):
        await known.verify("ada", PASSWORD, call())


@each_erp
@pytest.mark.parametrize("failure", ["error", "maintenance", "vanish"])
async def test_an_erp_that_is_down_is_not_a_wrong_password(erp, known, failure):
    erp.script(LOGIN_PATHS[erp.kind], failure)

    with pytest.raises(ErpDown) as raised:
        await known.verify("ada", PASSWORD, call())

    assert type(raised.value) is ErpDown
    assert raised.value.status == 503
    assert "correct horse" not in str(raised.value)


@each_erp
async def test_an_erp_that_is_not_there_is_down(erp, checks):
    async with asking(free_port()) as client:
        with pytest.raises(ErpDown):
            await provider(erp.kind, client, ManualClock(), checks).verify("ada", PASSWORD, call())


@each_erp
async def test_a_slow_erp_is_told_apart(erp, known):
    erp.script(LOGIN_PATHS[erp.kind], "slow")

    with pytest.raises(ErpSlow) as raised:
        await known.verify("ada", PASSWORD, call())

    assert raised.value.status == 504


@each_erp
@pytest.mark.parametrize("failure", ["nonsense", "list", "empty", "deep", "huge", "zipped", "redirect"])
async def test_nonsense_is_told_apart(erp, known, failure):
    erp.script(LOGIN_PATHS[erp.kind], failure)

    with pytest.raises(ErpNonsense) as raised:
        await known.verify("ada", PASSWORD, call())

    assert raised.value.status == 503
    assert not erp.asked_for("/elsewhere")


@each_erp
async def test_a_session_is_renewed(erp, known):
    session = await signed_in(known)

    renewed = await known.renew(session)

    assert (await ask(erp, renewed)).status == 200
    assert (await ask(erp, await known.renew(renewed))).status == 200


@each_erp
async def test_a_session_that_the_erp_has_ended_is_not_renewed(erp, known):
    session = await signed_in(known)
    erp.expire_all()

    answer = await ask(erp, session)

    assert told_expired(known, answer)
    assert await known.renew(session) is None


@each_erp
@pytest.mark.parametrize("failure", ["error", "vanish", "slow", "nonsense", "empty", "huge"])
async def test_a_failing_renewal_ends_nothing(erp, known, failure):
    session = await signed_in(known)
    erp.script(RENEW_PATHS[erp.kind], failure)

    with pytest.raises(ErpDown):
        await known.renew(session)


@each_erp
async def test_a_destroyed_session_opens_nothing(erp, known):
    session = await signed_in(known)

    await known.destroy(session)

    if erp.kind != "itempath":  # it has no logout
        assert told_expired(known, await ask(erp, session))
        assert await known.renew(session) is None


@each_erp
async def test_an_answer_that_is_none_of_its_business_says_nothing(known):
    for status in (200, 204, 301, 400, 403, 404, 422, 500):
        assert known.says_expired(status, {b"content-type": b"text/html"}, b"<p>code 100</p>") is False


async def signed_in(known):
    account = await known.verify("ada", PASSWORD, call())
    return await known.settle(account.erp_session, CHOICE)


async def ask(erp, session):
    """A request to the ERP with its session, as the gateway would put it there."""
    headers = {**dict(session.headers), "Content-Type": "application/json"}
    if session.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in session.cookies)
    async with asking(erp.port) as client:
        return await client.ask("POST", "/api/v1/models", body=b"{}", headers=headers, timeout=60)


def told_expired(known, answer):
    headers = {name.encode(): value.encode() for name, value in answer.headers.items()}
    said = known.says_expired(answer.status, headers, None)
    return known.says_expired(answer.status, headers, answer.body[:4096]) if said is None else said
