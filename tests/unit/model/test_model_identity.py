"""What is issued keeps secrets to itself, and a user's only tenant is a default."""

from gateway.model import Account, Session, TokenPair

SESSION = Session(id="s1", login="native", provider="staff", user_id="101", user="GardenAdmin", created=1.0)


class Named:
    def __init__(self, name):
        self.name = name


def test_no_repr_shows_a_token():
    pair = TokenPair(SESSION, "the-access", 900, "the-refresh")

    assert "the-" not in repr(pair)


def test_a_user_with_one_tenant_gets_it_and_with_several_none():
    one, two = Named("GardenWorld"), Named("System")

    assert Account("staff", "101", "GardenAdmin", tenants=(one,)).default_tenant == "GardenWorld"
    assert Account("staff", "101", "GardenAdmin", tenants=(one, two)).default_tenant == ""
    assert Account("staff", "101", "GardenAdmin").default_tenant == ""
