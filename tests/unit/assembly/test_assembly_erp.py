"""ERP sessions and their injectors are built from the configuration, and only where they belong."""

import gc

import pytest

from gateway.config.problems import ConfigRefused

PROVIDERS = "{erp: {type: odoo, upstream: erp, database: prod}}"
LOGINS = "{native: {dialect: native, path: /auth, identity_provider: erp}}"


def upstreams(injector, more=""):
    return f'{{erp: {{servers: ["http://10.0.0.1:8069"], injector: {{erp_session: {injector}}}}}{more}}}'


def test_an_upstream_gets_the_sessions_of_its_own_provider(assembler):
    assembled = assembler(identity_providers=PROVIDERS, logins=LOGINS, upstreams=upstreams("{identity_provider: erp}"))

    erp = assembled.upstreams.by_name["erp"].erp
    assert erp.provider.name == "erp"
    assert erp.owns_cookies == {b"session_id"}


def test_an_upstream_without_the_injector_has_none(assembler):
    assert assembler().upstreams.by_name["erp"].erp is None


def test_the_key_is_made_once_and_only_where_there_is_something_to_seal(assembler):
    assembler()
    assert "encryption.key" not in assembler.made

    assembler(identity_providers=PROVIDERS, logins=LOGINS)
    assert "encryption.key" in assembler.made


def test_the_feed_is_heard_as_long_as_the_configuration_lives(assembler):
    from gateway.state.feed import Invalidation

    assembled = assembler(identity_providers=PROVIDERS, logins=LOGINS, upstreams=upstreams("{identity_provider: erp}"))
    sessions = assembled.upstreams.by_name["erp"].erp._sessions
    gc.collect()
    sessions._held["s1"] = None

    assembler.feed.tell(Invalidation("user", provider="erp", user_id="1"))

    assert sessions._held == {}


@pytest.mark.parametrize(
    ("injector", "more", "problem"),
    [
        ("{identity_provider: nobody}", "", 'the identity provider "nobody" signs in to no ERP'),
        ("{}", "", "identity_provider: is missing"),
        ("{identity_provider: erp, service_account: {username: a}}", "", "password: is missing"),
    ],
)
def test_an_injector_that_makes_no_sense_is_refused(assembler, injector, more, problem):
    with pytest.raises(ConfigRefused) as refused:
        assembler(identity_providers=PROVIDERS, logins=LOGINS, upstreams=upstreams(injector, more))

    assert any(problem in str(each) for each in refused.value.problems)


def test_sessions_are_never_put_on_another_upstream(assembler):
    other = ', other: {servers: ["http://10.0.0.2"], injector: {erp_session: {identity_provider: erp}}}'
    with pytest.raises(ConfigRefused, match='belong to the upstream "erp"'):
        assembler(identity_providers=PROVIDERS, logins=LOGINS, upstreams=upstreams("{identity_provider: erp}", other))
