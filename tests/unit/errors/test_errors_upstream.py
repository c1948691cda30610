"""What is away for now says so, and never that a credential is bad."""

from gateway.errors import StoreUnavailable


def test_a_store_outage_never_looks_like_bad_credentials():
    failure = StoreUnavailable()

    assert failure.status == 503
    assert failure.retry_after > 0
    assert failure.challenge == ""
