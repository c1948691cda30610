"""Client, role, organization, warehouse and language: what is chosen, and iDempiere's words for what is not."""

import pytest
from fakes.garden import ADMIN, ALL, FURNITURE, GARDEN, HQ, ONE_STEP, SERVICE, STORE

from gateway.config.identities import Tenant
from gateway.dialects.idempiere.clients import clients_of
from gateway.dialects.idempiere.refusals import Declined
from gateway.dialects.idempiere.selection import (
    Parameters,
    Rules,
    ids_of,
    listed_client,
    listed_organization,
    listed_role,
    select,
    sole,
)
from gateway.model import Account

NAMES = {
    "clientId": "client",
    "roleId": "role",
    "organizationId": "organization",
    "warehouseId": "warehouse",
    "language": "language",
}
RULES = Rules()
STRICT = Rules(mandatory_organization_id=True)


def clients(*tenants):
    return clients_of(Account("staff", "1", "ada", tenants=tuple(Tenant.model_validate(each) for each in tenants)))


def asked(**values):
    return Parameters(**{NAMES[name]: str(value) for name, value in values.items()})


def choose(rules=RULES, tenants=(GARDEN, FURNITURE), **values):
    listed = clients(*tenants)
    chosen = select(listed, ids_of(listed), asked(**values), rules)
    keys = [chosen.client.key, chosen.role.key, chosen.organization.key]
    return [*keys, chosen.warehouse.key if chosen.warehouse else "", chosen.language], chosen.resolved


def why(**values):
    with pytest.raises(Declined) as refused:
        choose(**values)
    return refused.value.detail


def test_what_is_named_by_its_id_is_not_told_again():
    assert choose(**ONE_STEP) == (["11", "2000001", "11", "103", "en_US"], {})


@pytest.mark.parametrize("spelled", [("11", "2000001", "11", "103"), ("011", "02000001", "0011", "0103")])
def test_ids_may_be_text(spelled):
    chosen, resolved = choose(
        **dict(zip(("clientId", "roleId", "organizationId", "warehouseId"), spelled, strict=True))
    )

    assert chosen == ["11", "2000001", "11", "103", "en_US"]
    assert resolved == {}


def test_names_are_looked_up_and_their_ids_told():
    chosen, resolved = choose(
        clientId="GardenWorld", roleId="GardenWorld WebService", organizationId="HQ", warehouseId="HQ Transit"
    )

    assert chosen == ["11", "2000001", "11", "104", "en_US"]
    assert list(resolved.items()) == [
        ("clientId", 11),
        ("roleId", 2000001),
        ("organizationId", 11),
        ("warehouseId", 104),
    ]


def test_what_is_left_out_is_the_only_one_there_is():
    only = {**GARDEN, "roles": [SERVICE]}

    assert choose(tenants=[only]) == (
        ["11", "2000001", "11", "103", "en_US"],
        {"clientId": 11, "roleId": 2000001, "organizationId": 11, "warehouseId": 103},
    )


def test_organization_and_warehouse_have_defaults():
    """As documented: optional, and defaults are used. `*` is one only where there is no other."""
    assert choose(clientId=11, roleId=102) == (
        ["11", "102", "11", "103", "en_US"],
        {"organizationId": 11, "warehouseId": 103},
    )
    assert choose(clientId=11, roleId=2000002) == (["11", "2000002", "0", "", "en_US"], {"organizationId": 0})


def test_by_the_switch_an_organization_has_to_be_chosen():
    assert why(rules=STRICT, clientId=11, roleId=102) == "Invalid organizationId"
    assert why(rules=STRICT, clientId=11, roleId=2000002) == "Missing organizationId parameter"
    assert choose(rules=STRICT, clientId=11, roleId=2000001)[0] == ["11", "2000001", "11", "103", "en_US"]


def test_no_warehouse_may_be_asked_for():
    assert choose(clientId=11, roleId=102, organizationId=11, warehouseId=0) == (["11", "102", "11", "", "en_US"], {})


def test_in_all_organizations_a_warehouse_is_not_judged():
    assert choose(clientId=11, roleId=102, organizationId=0, warehouseId=999)[0] == ["11", "102", "0", "", "en_US"]


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({}, "Invalid clientId"),
        ({"clientId": 99}, "Invalid clientId"),
        ({"clientId": "Nowhere"}, "Client value not found"),
        ({"clientId": 11}, "Missing roleId parameter"),
        ({"clientId": 11, "roleId": "Nobody"}, "Role name not found"),
        ({"clientId": 11, "roleId": 99}, "Invalid roleId"),
        ({"clientId": 11, "roleId": 1000001}, "Invalid roleId"),
        ({"clientId": 11, "roleId": 200}, "Invalid roleId"),
        ({"clientId": 11, "roleId": "GardenWorld Self-Service"}, "Invalid roleId"),
        ({"clientId": 11, "roleId": 99, "organizationId": "Nowhere"}, "Organization name not found"),
        ({"clientId": 11, "roleId": 2000001, "organizationId": "Nowhere"}, "Organization name not found"),
        ({"clientId": 11, "roleId": 2000001, "organizationId": 12}, "Invalid organizationId"),
        ({"clientId": 11, "roleId": 2000001, "organizationId": "Store Central"}, "Invalid organizationId"),
        ({"clientId": 11, "roleId": 2000001, "organizationId": 99}, "Invalid organizationId"),
        ({"clientId": 11, "roleId": 2000001, "organizationId": 0}, "Invalid organizationId"),
        ({"clientId": 1000000, "organizationId": "Twin"}, "Organization name not unique"),
        ({"clientId": 11, "roleId": 2000001, "warehouseId": "Nowhere"}, "Warehouse name not found"),
        ({"clientId": 11, "roleId": 2000001, "warehouseId": 50003}, "Invalid warehouseId"),
        ({"clientId": 11, "roleId": 2000001, "warehouseId": "Store Central"}, "Invalid warehouseId"),
        ({"clientId": 11, "roleId": 2000001, "warehouseId": 99}, "Invalid warehouseId"),
        ({"clientId": "99999999999999999999"}, "Client value not found"),
    ],
)
def test_what_is_not_to_be_had_is_declined(values, detail):
    assert why(**values) == detail


def test_a_role_name_has_to_be_unique():
    twins = {**GARDEN, "roles": [SERVICE, {**SERVICE, "id": "7"}]}

    assert why(tenants=[twins], roleId="GardenWorld WebService") == "Role name not unique"


def test_a_role_without_organizations_opens_nothing():
    assert why(tenants=[{**GARDEN, "roles": [{"id": "1", "name": "Bare"}]}]) == "Invalid organizationId"


def test_roles_may_have_different_warehouses_in_one_organization():
    narrow = {**SERVICE, "id": "8", "name": "Narrow", "organizations": [{**HQ, "warehouses": HQ["warehouses"][1:]}]}
    tenants = [{**GARDEN, "roles": [SERVICE, narrow, {**narrow, "id": "9", "organizations": [STORE]}]}]

    assert choose(tenants=tenants, roleId=2000001, organizationId=11)[0][3] == "103"
    assert choose(tenants=tenants, roleId=8, organizationId="HQ")[0][3] == "104"
    assert choose(tenants=tenants, roleId=8, organizationId=11, warehouseId=104)[0][3] == "104"
    assert why(tenants=tenants, roleId=8, organizationId=11, warehouseId=103) == "Invalid warehouseId"


def test_a_warehouse_is_looked_up_in_the_chosen_organization_first():
    bare = {**SERVICE, "id": "8", "name": "Bare", "organizations": [{**HQ, "warehouses": []}]}
    twin = {**STORE, "warehouses": [{"id": "50003", "name": "HQ Transit"}]}
    tenants = [{**GARDEN, "roles": [{**ADMIN, "organizations": [HQ, twin]}, bare]}]

    assert choose(tenants=tenants, roleId=102, organizationId=11, warehouseId="HQ Transit")[0][3] == "104"
    assert choose(tenants=tenants, roleId=102, organizationId=12, warehouseId="HQ Transit")[0][3] == "50003"
    assert why(tenants=tenants, roleId=8, organizationId=11, warehouseId="HQ Transit") == "Invalid warehouseId"


def test_a_number_may_be_a_name():
    numbered = {**GARDEN, "roles": [{**SERVICE, "name": "4711"}]}

    assert choose(tenants=[numbered], roleId="4711")[1]["roleId"] == 2000001


def test_only_clients_of_the_first_step_count():
    listed = clients(GARDEN, FURNITURE)

    for value in ("11", "GardenWorld"):
        with pytest.raises(Declined, match="Invalid clientId"):
            select(listed, frozenset({1000000}), asked(clientId=value), RULES)
    assert select(listed, frozenset({1000000}), asked(organizationId=1000003), RULES).client.key == "1000000"
    with pytest.raises(Declined, match="Invalid clientId"):
        select(listed, frozenset(), asked(clientId=11), RULES)


@pytest.mark.parametrize(
    ("client", "wanted", "rules", "language"),
    [
        (11, "de_DE", RULES, "de_DE"),
        (11, "xx_XX", RULES, "en_US"),
        (11, "", RULES, "en_US"),
        (1000000, "", RULES, "de_DE"),
        (11, "fr_FR", Rules(login_languages=("fr_FR",)), "fr_FR"),
        (11, "de_DE", Rules(login_languages=("fr_FR",)), "en_US"),
        (11, "es_CO", Rules(erp_knows_languages=True), "es_CO"),
        (11, "any", Rules(erp_knows_languages=True), "en_US"),
        (11, "es_CO", Rules(login_languages=("fr_FR",), erp_knows_languages=True), "en_US"),
    ],
)
def test_an_unknown_language_is_ignored(client, wanted, rules, language):
    role = {11: 102, 1000000: 1000001}[client]

    assert choose(rules=rules, clientId=client, roleId=role, organizationId="", language=wanted)[0][-1] == language


@pytest.mark.parametrize(
    ("tenants", "abbreviated"),
    [
        ([{**GARDEN, "roles": [SERVICE]}], True),
        ([{**GARDEN, "roles": [SERVICE, GARDEN["roles"][3]]}], True),
        ([{**GARDEN, "roles": [{**SERVICE, "organizations": [ALL]}]}], True),
        ([GARDEN], False),
        ([{**GARDEN, "roles": [ADMIN]}], False),
        ([{**GARDEN, "roles": [SERVICE]}, FURNITURE], False),
        ([{**GARDEN, "roles": [{**SERVICE, "organizations": [HQ, STORE]}]}], False),
    ],
)
def test_a_login_is_abbreviated_where_there_is_one_of_each(tenants, abbreviated):
    for rules in (RULES, STRICT):
        assert (sole(clients(*tenants), rules) is not None) is abbreviated


def test_the_lists_of_the_second_step_follow_one_another():
    listed = clients(GARDEN, FURNITURE)
    client = listed_client(listed, ids_of(listed), 11)
    role = listed_role(client, 2000001)

    assert listed_organization(role, 11).name == "HQ"
    for attempt, detail in (
        (lambda: listed_client(listed, frozenset({11}), 1000000), "Invalid client"),
        (lambda: listed_client(listed, frozenset({12}), 12), "Invalid client"),
        (lambda: listed_role(client, 200), "Invalid role"),
        (lambda: listed_role(client, 0), "Invalid role"),
        (lambda: listed_organization(role, 12), "Invalid organization"),
    ):
        with pytest.raises(Declined) as refused:
            attempt()
        assert refused.value.detail == detail
