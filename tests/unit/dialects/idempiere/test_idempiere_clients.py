"""What a user may choose from."""

from types import SimpleNamespace

from fakes.garden import people

from gateway.dialects.idempiere.clients import Entry, are_listed, clients_of, listing
from gateway.model import Account


def account(name):
    user = next(user for user in people().users if user.username == name)
    return Account("staff", user.id, user.username, roles=user.roles, tenants=user.tenants)


def test_only_clients_with_a_role_of_type_ws_or_none_are_there():
    clients = clients_of(account("GardenAdmin"))

    assert listing(clients) == [{"id": 11, "name": "GardenWorld"}, {"id": 1000000, "name": "Möbelwelt"}]
    assert [role.name for role in clients[0].open_roles] == [
        "GardenWorld Admin",
        "GardenWorld WebService",
        "GardenWorld Everywhere",
    ]
    assert clients_of(account("SelfService")) == ()


def test_an_organization_of_several_roles_is_listed_once_per_client():
    client = clients_of(account("GardenAdmin"))[0]

    assert [each.name for each in client.organizations] == ["*", "HQ", "Store Central"]


def test_where_the_identity_provider_knows_no_tenants_one_of_each_stands_in():
    (client,) = clients_of(account("plain"))

    assert (client.id, client.name, client.tenant, client.language) == (1, "staff", "", "en_US")
    assert listing(client.open_roles) == listing(client.organizations) == [{"id": 1, "name": "staff"}]


def test_a_remembered_tenant_tells_nothing_to_choose():
    remembered = Account("erp", "ada", "ada", tenants=(SimpleNamespace(name="GardenWorld"),))

    assert not are_listed(remembered)
    assert are_listed(account("GardenAdmin"))
    assert are_listed(account("plain"))


def test_an_id_that_is_no_number_is_shown_as_one():
    assert Entry("hq", "HQ").id == Entry("hq", "other").id
    assert listing([Entry("hq", "HQ")])[0]["id"] > 1_000_000
