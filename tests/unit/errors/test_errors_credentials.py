"""Why a credential was refused is for dialects that tell; its text is never for a log."""

from gateway.errors import CredentialsRejected, Reason, RefreshRejected, TooManyRequests


def test_the_refused_token_is_kept_out_of_every_text():
    failure = CredentialsRejected("no such token", reason=Reason.EXPIRED, presented="the-token")

    assert failure.presented == "the-token"
    assert "the-token" not in str(failure) + repr(failure) + failure.public + failure.challenge


def test_a_refused_refresh_says_why_to_those_who_spell_it():
    assert RefreshRejected("reused").reason == "reused"


def test_how_long_to_wait_is_told_for_this_one_failure_only():
    TooManyRequests(retry_after=30)

    assert TooManyRequests().retry_after == 1
