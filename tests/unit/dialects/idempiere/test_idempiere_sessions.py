"""What a session keeps of a choice, and what becomes of it at a refresh."""

from dataclasses import replace
from types import SimpleNamespace

from fakes.garden import GARDEN, HQ, SELF_SERVICE, SERVICE
from fakes.still_broker import SESSION

from gateway.config.identities import Tenant
from gateway.dialects.idempiere.clients import clients_of
from gateway.dialects.idempiere.selection import Parameters, Rules, ids_of, select
from gateway.dialects.idempiere.sessions import as_listed_now, choice_of, final_answer, renewed
from gateway.model import Account, TokenPair

CONTEXT = {"tenant": "11", "role": "2000001", "organization": "11", "warehouse": "103", "language": "en_US"}


def account(*tenants, roles=("sales",)):
    return Account("staff", "101", "ada", roles=roles, tenants=tuple(Tenant.model_validate(each) for each in tenants))


ADA = account({**GARDEN, "roles": [SERVICE]})


def chosen(of=ADA, **asked):
    return select(clients_of(of), ids_of(clients_of(of)), Parameters(**asked), Rules())


def session(**context):
    return replace(SESSION, roles=("sales", "old"), tenant="GardenWorld", context={**CONTEXT, **context})


def test_the_choice_is_kept_in_the_identity_provider_s_own_ids():
    choice = choice_of(ADA, chosen(), {"clients": "11"})

    assert (choice.tenant, choice.roles) == ("GardenWorld", ("sales", "GardenWorld WebService"))
    assert choice.context == {**CONTEXT, "clients": "11"}
    assert choice.scopes is None


def test_an_erp_settles_what_the_client_left_open():
    assert choice_of(ADA, chosen()).left_open == {"warehouse", "language"}
    assert choice_of(ADA, chosen(warehouse="103", language="xx_XX")).left_open == {"language"}
    assert choice_of(ADA, chosen(warehouse="0", language="en_US")).left_open == frozenset()


def test_what_stands_in_for_a_tenant_adds_no_role_and_no_tenant():
    plain = account()

    choice = choice_of(plain, chosen(plain))

    assert (choice.tenant, choice.roles, choice.context["warehouse"]) == ("", ("sales",), "0")


def test_at_a_refresh_roles_and_names_are_those_of_now():
    renamed = account({**GARDEN, "name": "Garden", "roles": [{**SERVICE, "name": "Service"}]}, roles=("new",))

    now = renewed(session(clients="11"), renamed)

    assert (now.roles, now.tenant, now.context) == (("new", "Service"), "Garden", CONTEXT)


def test_a_choice_that_is_not_to_be_had_any_more_ends_the_session():
    for listed in (
        account(),
        account({**GARDEN, "id": "12", "roles": [SERVICE]}),
        account({**GARDEN, "roles": [SELF_SERVICE]}),
        account({**GARDEN, "roles": [{**SERVICE, "type": "SS"}]}),
        account({**GARDEN, "roles": [{**SERVICE, "organizations": []}]}),
    ):
        assert renewed(session(), listed) is None


def test_a_warehouse_that_is_gone_is_left_out():
    bare = account({**GARDEN, "roles": [{**SERVICE, "organizations": [{**HQ, "warehouses": []}]}]})

    assert renewed(session(), bare).context["warehouse"] == "0"


def test_a_session_that_has_chosen_nothing_yet_stays_as_it_is():
    first_step = replace(SESSION, context={"clients": "11"})

    assert as_listed_now(first_step, account()) == first_step
    assert as_listed_now(session(clients="11"), ADA).context["clients"] == "11"


def test_a_remembered_account_changes_nothing():
    remembered = replace(ADA, tenants=(SimpleNamespace(name="GardenWorld"),))

    assert renewed(session(clients="11"), remembered) == session()


def test_the_answer_has_its_members_in_order():
    told = final_answer(TokenPair(session(), "ACCESS", 3600, "REFRESH"), chosen(), 10)

    assert list(told.items()) == [
        ("clientId", 11),
        ("userId", 101),
        ("roleId", 2000001),
        ("organizationId", 11),
        ("warehouseId", 103),
        ("language", "en_US"),
        ("menuTreeId", 10),
        ("token", "ACCESS"),
        ("refresh_token", "REFRESH"),
    ]


def test_the_answer_tells_the_warehouse_that_an_erp_settled_on():
    for warehouse, told in (("104", 104), ("0", None)):
        pair = TokenPair(session(warehouse=warehouse), "ACCESS", 3600, "REFRESH")

        assert final_answer(pair, chosen(), 0).get("warehouseId") == told
        assert "warehouseId" not in final_answer(pair, chosen(warehouse="104"), 0)


def test_the_answer_tells_what_the_erp_told():
    told = final_answer(
        TokenPair(session(user=77, menu_tree=12, language="de_DE"), "ACCESS", 3600, "REFRESH"),
        chosen(role="2000001"),
        0,
    )

    assert (told["userId"], told["menuTreeId"], told["language"]) == (77, 12, "de_DE")
    assert "roleId" not in told
