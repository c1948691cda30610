"""What a user may choose from, read step by step; lists without end or without names are nonsense."""

import pytest

from gateway.errors import ErpNonsense
from gateway.identity_providers.idempiere_tenants import TooManyChoices, read_tenants, tenants_of

CLIENTS = {"clients": [{"id": 11, "name": "GardenWorld"}]}


def answering(**answers):
    async def ask(what):
        return answers[what.partition("?")[0]]

    return ask


def listed(what, *pairs):
    return {what: [{"id": known, "name": name} for known, name in pairs]}


async def test_everything_is_read_with_what_was_chosen_before():
    asked = []

    async def ask(what):
        asked.append(what)
        name = what.partition("?")[0]
        return {"AD_Language": "de_DE"} if name == "language" else listed(name, (7, name))

    (tenant,) = await read_tenants(CLIENTS, ask)

    assert sorted(asked) == [
        "language?client=11",
        "organizations?client=11&role=7",
        "roles?client=11",
        "warehouses?client=11&role=7&organization=7",
    ]
    assert tenants_of({"tenants": [tenant]})[0].roles[0].organizations[0].warehouses[0].name == "warehouses"


async def test_a_tenant_without_roles_is_a_tenant():
    tenants = await read_tenants(CLIENTS, answering(roles={}, language={}))

    assert tenants == [{"id": "11", "name": "GardenWorld", "language": "en_US", "roles": []}]


@pytest.mark.parametrize(
    "clients",
    [
        {},
        [1],
        "x",
        [{"id": 1}],
        [{"name": "x"}],
        [{"id": "1", "name": "x"}],
        [{"id": True, "name": "x"}],
        [{"id": 1, "name": ""}],
    ],
)
async def test_what_is_no_list_of_names_is_nonsense(clients):
    with pytest.raises(ErpNonsense):
        await read_tenants({"clients": clients}, answering())


async def test_a_choice_without_end_is_refused():
    many = listed("roles", *((number, f"role {number}") for number in range(500)))

    with pytest.raises(TooManyChoices, match="calls"):
        await read_tenants(CLIENTS, answering(roles=many, language={}, organizations={}))


@pytest.mark.parametrize("only", [{"role": "499"}, {"role": "role 499", "tenant": "11"}])
async def test_of_many_what_is_named_can_be_read(only):
    many = listed("roles", *((number, f"role {number}") for number in range(500)))

    (tenant,) = await read_tenants(CLIENTS, answering(roles=many, language={}, organizations={}), only)

    assert [role["id"] for role in tenant["roles"]] == ["499"]
    assert await read_tenants(CLIENTS, answering(), {"tenant": "12"}) == []


async def test_only_the_organization_that_is_named_is_asked_for_its_warehouses():
    found = listed("organizations", (1, "HQ"), (2, "Store"))
    answers = answering(roles=listed("roles", (7, "Sales")), language={}, organizations=found, warehouses={})

    (tenant,) = await read_tenants(CLIENTS, answers, {"organization": "Store"})

    assert [each["name"] for each in tenant["roles"][0]["organizations"]] == ["Store"]


def test_a_name_that_no_line_can_hold_is_nonsense():
    with pytest.raises(ErpNonsense):
        tenants_of({"tenants": [{"id": "1", "name": "a\nb"}]})
