"""Where nothing is chosen, the account's own rights and the plain rules of a refresh hold."""

from gateway.model import ACCOUNTS_OWN, PLAIN_REFRESH, Session


def test_nothing_chosen_narrows_nothing():
    assert (ACCOUNTS_OWN.tenant, ACCOUNTS_OWN.roles, ACCOUNTS_OWN.scopes) == (None, None, None)
    assert ACCOUNTS_OWN.context == {}


def test_a_plain_refresh_asks_nothing_more():
    session = Session(id="s1", login="native", provider="staff", user_id="101", user="GardenAdmin", created=1.0)

    assert PLAIN_REFRESH.before(session) is None
    assert PLAIN_REFRESH.renew is None
