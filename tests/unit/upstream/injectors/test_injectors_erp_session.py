"""The injector of ERP sessions: each identity its own, and none of another ERP's."""

import pytest
from fakes.erp_house import house
from fakes.odoo import Odoo
from fakes.token_fixtures import checks, clock, store, valkey_url
from fakes.waiting import eventually

from gateway.errors import CredentialsRejected, Forbidden, NoErpSession
from gateway.model import Identity
from gateway.upstream.injectors import INJECTORS, InjectorTools

__all__ = ["checks", "clock", "store", "valkey_url"]

KEY = Identity("@api_keys", "scanner", "scanner", "api_key", key_id="scanner-1")
CLIENT = Identity("@clients", "portal", "portal", "bearer", session_id="s9")
SERVICE = {"service_account": {"username": "bob", "password": "correct horse"}}


@pytest.fixture
def odoo():
    fake = Odoo()
    yield fake
    fake.stop()


@pytest.fixture
async def home(odoo, store, clock, checks):
    async for made in house("odoo", odoo, store, clock, checks):
        made.sessions = made.worker()
        yield made


def injector(home, upstream="erp", **options):
    injector_class = INJECTORS["erp_session"]
    bound = injector_class.Options.model_validate({"identity_provider": "erp-users", **options})
    return injector_class(bound, InjectorTools(upstream, home.clock, {"erp-users": home.provider}, home.sessions))


async def user(home):
    session = await home.sign_in(home.sessions)
    return Identity("erp-users", session.user_id, session.user, "bearer", session_id=session.id)


async def test_a_user_gets_the_session_of_its_own_login(home):
    ada, made = await user(home), injector(home)

    credential = made.ready(ada)

    assert home.erp.sessions[credential.cookie.decode().removeprefix("session_id=")] == "ada"
    assert await made.fetch(ada) is credential
    assert (made.owns, made.owns_cookies) == ({b"x-openerp-session-id"}, {b"session_id"})
    assert made.headers_for(ada) == b""


async def test_what_is_not_in_memory_is_fetched(home):
    ada = await user(home)
    home.sessions = home.worker()
    made = injector(home)

    assert made.ready(ada) is None
    assert (await made.fetch(ada)) is made.ready(ada)


async def test_a_user_of_another_provider_is_refused(home):
    made, stranger = injector(home, **SERVICE), Identity("staff", "2", "ada", "bearer", session_id="s1")

    with pytest.raises(Forbidden):
        made.ready(stranger)
    with pytest.raises(Forbidden):
        await made.fetch(stranger)


@pytest.mark.parametrize("machine", [KEY, CLIENT], ids=["API key", "OAuth2 client"])
async def test_machines_use_the_service_account_or_are_refused(home, machine):
    with pytest.raises(Forbidden, match="service account"):
        injector(home).ready(machine)

    made = injector(home, **SERVICE)
    assert made.ready(machine) is None
    credential = await made.fetch(machine)
    assert made.ready(machine) is credential
    assert home.erp.sessions[credential.cookie.decode().removeprefix("session_id=")] == "bob"


async def test_a_session_without_an_erp_session_uses_the_service_account_or_is_refused(home):
    ada = await user(home)
    await home.sessions._records.take(ada.session_id, living=True)
    home.sessions = home.worker()

    with pytest.raises(NoErpSession):
        await injector(home).fetch(ada)
    made = injector(home, **SERVICE)
    credential = await made.fetch(ada)
    assert home.erp.sessions[credential.cookie.decode().removeprefix("session_id=")] == "bob"
    assert (await made.renew(ada, credential)).is_trusted


async def test_an_expired_session_is_renewed_or_ends(home):
    ada, made = await user(home), injector(home)
    used = made.ready(ada)

    confirmed = await made.renew(ada, used)
    assert (used.is_trusted, confirmed.is_trusted) == (False, True)
    home.erp.expire_all()
    with pytest.raises(CredentialsRejected):
        await made.renew(ada, confirmed)


async def test_a_service_account_is_signed_in_again(home):
    made = injector(home, **SERVICE)
    used = await made.fetch(KEY)
    home.erp.expire_all()

    renewed = await made.renew(KEY, used)

    assert renewed.cookie != used.cookie


async def test_a_cookie_that_the_erp_sets_is_kept_where_it_belongs(home):
    ada, made = await user(home), injector(home, **SERVICE)
    users, service = made.ready(ada), await made.fetch(KEY)
    new = "n" * 84

    home.erp.sessions |= {new: "bob", f"{new}u": "ada"}

    made.adopt(KEY, service, {"session_id": new})
    made.adopt(ada, users, {"session_id": new[::-1] + "u"})

    await eventually(lambda: made.ready(ada) is not users and made.ready(KEY) is not service)
    assert made.ready(KEY).cookie == f"session_id={new}".encode()
    assert made.ready(ada).cookie == f"session_id={new}u".encode()


async def test_it_is_only_built_for_its_providers_own_upstream(home):
    with pytest.raises(ValueError, match="belong to the upstream"):
        injector(home, upstream="jmix")
    with pytest.raises(ValueError, match="signs in to no ERP"):
        injector(home, identity_provider="staff")
