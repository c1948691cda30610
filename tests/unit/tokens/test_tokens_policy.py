"""A policy is data; its defaults are documented values."""

from math import inf

from gateway.tokens.policy import TokenPolicy


def test_the_defaults_are_those_of_the_native_login():
    policy = TokenPolicy("iss", "aud")

    assert (policy.format, policy.access_ttl, policy.refresh_ttl, policy.absolute_ttl) == (
        "jwt",
        15 * 60,
        30 * 86400,
        90 * 86400,
    )
    assert (policy.sliding, policy.rotate, policy.grace, policy.revoke_access) == (True, True, 10, False)


def test_a_session_ends_with_its_absolute_lifetime_or_never():
    assert TokenPolicy("iss", "aud", absolute_ttl=10).session_end(100.0) == 110.0
    assert TokenPolicy("iss", "aud", absolute_ttl=0).session_end(100.0) == inf
    assert TokenPolicy("iss", "aud", absolute_ttl=inf).session_end(100.0) == inf
