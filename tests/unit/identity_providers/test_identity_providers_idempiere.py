"""iDempiere: a login in two steps, choices that the ERP judges, and refresh tokens that count once."""

import pytest
from aiohttp import web
from fakes.erp_rig import asking, provider
from fakes.idempiere import GARDEN, ONLY, Idempiere, auth_error
from fakes.token_rig import PASSWORD, ManualClock, call
from fakes.waiting import eventually

from gateway.errors import AccountLocked, ErpDown, ErpNonsense, LoginRejected, SelectionNeeded
from gateway.identity_providers import PROVIDERS
from gateway.identity_providers import idempiere as module

TOKENS = "/api/v1/auth/tokens"


@pytest.fixture
def erp():
    fake = Idempiere()
    yield fake
    fake.stop()


@pytest.fixture
async def known(erp, checks):
    async with asking(erp.port) as client:
        yield provider("idempiere", client, ManualClock(), checks)


async def test_tenants_roles_organisations_and_warehouses_come_from_the_erp(known):
    account = await known.verify("ada", PASSWORD, call())

    (tenant,) = account.tenants
    assert (tenant.id, tenant.name, tenant.language) == ("11", "GardenWorld", "en_US")
    assert [(role.id, role.name) for role in tenant.roles] == [
        ("102", "GardenWorld Admin"),
        ("103", "GardenWorld User"),
    ]
    hq, store = tenant.roles[0].organizations
    assert [(each.id, each.name) for each in hq.warehouses] == [("103", "HQ Warehouse")]
    assert (store.name, store.warehouses) == ("Store", ())
    assert account.erp_session.headers == ()


async def test_the_abbreviated_login_leaves_nothing_to_choose(known):
    account = await known.verify("bob", PASSWORD, call())

    erp = account.erp_session
    assert erp.headers
    assert (erp.facts["tenant"], erp.facts["role"], erp.facts["user"]) == (12, 201, 101)
    assert await known.settle(erp, {}) is erp


async def test_an_abbreviated_login_that_is_what_was_chosen_is_not_repeated(erp, known):
    """Nothing would ever end the first one in the ERP."""
    session = (await known.verify("bob", PASSWORD, call())).erp_session
    chosen = {"tenant": "12", "role": "201", "organization": "21", "warehouse": "0", "language": "de_DE"}

    assert await known.settle(session, chosen) is session
    assert (await known.settle(session, {**chosen, "language": "en_US"})).facts["language"] == "en_US"


async def test_what_a_choice_leaves_open_is_the_erp_s_to_settle(erp, checks):
    erp.languages["ada"] = "es_CO"
    async with asking(erp.port) as client:
        known = provider("idempiere", client, ManualClock(), checks, warehouse="999", language="fr_FR")
        session = (await known.verify("ada", PASSWORD, call())).erp_session

        facts = (await known.settle(session, {"tenant": "11", "role": "102", "organization": "12"})).facts

    assert (facts["warehouse"], facts["language"]) == (0, "es_CO")


@pytest.mark.parametrize("failure", ["error", "nonsense"])
async def test_an_abbreviated_login_whose_tenants_cannot_be_read_is_ended_in_the_erp(erp, known, failure):
    erp.script("/api/v1/auth/roles", failure)

    with pytest.raises(ErpDown):
        await known.verify("bob", PASSWORD, call())

    await eventually(lambda: erp.dead)


async def test_what_cannot_be_ended_either_is_the_first_failure_all_the_same(erp, known):
    erp.script("/api/v1/auth/roles", "error")
    erp.script("/api/v1/auth/logout", "vanish")

    with pytest.raises(ErpDown, match="answered 500"):
        await known.verify("bob", PASSWORD, call())

    await eventually(lambda: erp.asked_for("/api/v1/auth/logout"))


async def test_a_choice_by_id_or_name_finishes_the_login(known):
    account = await known.verify("ada", PASSWORD, call())

    choice = {
        "tenant": "11",
        "role": "GardenWorld Admin",
        "organization": "HQ",
        "warehouse": "103",
        "language": "de_DE",
    }
    erp = await known.settle(account.erp_session, choice)

    told = {what: erp.facts[what] for what in (*choice, "user", "menu_tree")}
    assert told == {
        "tenant": 11, "role": 102, "organization": 11, "warehouse": 103, "language": "de_DE", "user": 101, "menu_tree": 10,
    }  # fmt: skip
    assert erp.facts["tenants"] == account.erp_session.facts["tenants"]


async def test_every_call_of_a_login_tells_the_client_s_address(erp, known):
    account = await known.verify("ada", PASSWORD, call())
    final = await known.settle(account.erp_session, {"tenant": "11", "role": "102", "organization": "11"})

    assert erp.asked[-1].method == "PUT"
    assert {asked.headers.get("x-forwarded-for") for asked in erp.asked} == {call().client_address}
    assert "address" not in final.secrets


async def test_another_choice_changes_a_login_that_was_abbreviated(erp, known):
    account = await known.verify("bob", PASSWORD, call())
    erp.script(
        TOKENS, lambda fake, _: web.json_response(fake._final("bob", ONLY, {"id": 202}, {"id": 21}, None, "de_DE"))
    )

    assert (await known.settle(account.erp_session, {"role": "202"})).facts["role"] == 202


async def test_a_choice_that_the_erp_refuses_is_refused(known):
    account = await known.verify("ada", PASSWORD, call())

    with pytest.raises(LoginRejected, match="Invalid roleId"):
        await known.settle(account.erp_session, {"role": "999"})


async def test_a_choice_that_nobody_made_is_asked_for(known):
    account = await known.verify("ada", PASSWORD, call())

    with pytest.raises(SelectionNeeded, match="Missing roleId"):
        await known.settle(account.erp_session, {})


async def test_the_providers_own_choice_counts_where_nobody_makes_one(erp, checks):
    async with asking(erp.port) as client:
        known = provider("idempiere", client, ManualClock(), checks, role="GardenWorld User", organization="11")
        account = await known.verify("ada", PASSWORD, call())

        assert (await known.settle(account.erp_session, {})).facts["role"] == 103
        chosen = await known.settle(account.erp_session, {"role": "102"})
        assert chosen.facts["role"] == 102


async def test_who_may_choose_from_too_much_is_signed_in_for_what_the_provider_names(erp, checks):
    many = [{"id": number, "name": f"Role {number}", "organizations": []} for number in range(1000, 1500)]
    erp.tenants["ada"] = [{**GARDEN, "roles": [*GARDEN["roles"], *many]}]
    async with asking(erp.port) as client:
        with pytest.raises(ErpNonsense, match="calls"):
            await provider("idempiere", client, ManualClock(), checks).verify("ada", PASSWORD, call())
        known = provider("idempiere", client, ManualClock(), checks, role="GardenWorld Admin", organization="11")

        account = await known.verify("ada", PASSWORD, call())

        assert [role.id for role in account.tenants[0].roles] == ["102"]
        assert (await known.settle(account.erp_session, {})).facts["role"] == 102


async def test_a_refresh_token_is_spent_once(erp, known):
    session = (await known.verify("bob", PASSWORD, call())).erp_session

    renewed = await known.renew(session)

    assert renewed.facts["tenant"] == 12
    assert await known.renew(session) is None
    assert erp.breaches == 1


async def test_a_login_that_was_never_finished_can_neither_be_renewed_nor_ended(erp, known):
    session = (await known.verify("ada", PASSWORD, call())).erp_session
    asked = len(erp.asked)

    assert await known.renew(session) is None
    await known.destroy(session)
    assert len(erp.asked) == asked


@pytest.mark.parametrize(
    "detail",
    [
        "User account (ada) is locked, please contact the system administrator",
        "Reached the maximum number of login attempts",
        "Account locked out",
    ],
)
async def test_a_locked_account_is_told_by_its_text(erp, known, detail):
    erp.script(TOKENS, lambda *_: auth_error(detail))

    with pytest.raises(AccountLocked):
        await known.verify("ada", PASSWORD, call())


async def test_the_texts_are_asked_for_in_english(erp, known):
    await known.verify("ada", "wrong", call())

    assert erp.asked_for(TOKENS)[0].query == "locale=en_US"


@pytest.mark.parametrize("path", ["roles", "organizations", "warehouses", "language"])
@pytest.mark.parametrize("failure", ["nonsense", "list", "redirect"])
async def test_choices_that_make_no_sense_are_no_wrong_password(erp, known, path, failure):
    erp.script(f"/api/v1/auth/{path}", failure)

    with pytest.raises(ErpNonsense):
        await known.verify("ada", PASSWORD, call())


async def test_an_answer_to_the_last_step_that_makes_no_sense_is_nonsense(erp, known):
    account = await known.verify("ada", PASSWORD, call())
    erp.script(TOKENS, lambda *_: web.Response(status=404))

    with pytest.raises(ErpNonsense):
        await known.settle(account.erp_session, {"role": "102"})


async def test_a_401_without_a_body_refuses_the_choice_too(erp, known):
    account = await known.verify("ada", PASSWORD, call())
    erp.script(TOKENS, lambda *_: web.Response(status=401))

    with pytest.raises(LoginRejected):
        await known.settle(account.erp_session, {"role": "102"})


def test_the_registry_holds_it():
    assert PROVIDERS["idempiere"] is module.Idempiere
    assert GARDEN["id"] == 11
