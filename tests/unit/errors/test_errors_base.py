"""What a client is told of a failure is fixed; what it sent is for the log only."""

import pytest

from gateway import errors
from gateway.errors import GatewayError


def family(parent):
    yield parent
    for child in parent.__subclasses__():
        yield from family(child)


FAILURES = sorted(
    {kind for kind in family(GatewayError) if kind.__module__.startswith(errors.__name__ + ".")},
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_every_failure_has_a_status_a_code_and_a_text(kind):
    assert 400 <= kind.status <= 599
    assert kind.code.replace("_", "").isalpha()
    assert kind.public.endswith(".")


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_details_go_to_the_log_and_not_to_the_client(kind):
    failure = kind("unknown key of 192.0.2.1")

    assert str(failure) == "unknown key of 192.0.2.1"
    assert "192.0.2.1" not in failure.public + failure.challenge


@pytest.mark.parametrize("kind", [kind for kind in FAILURES if kind.status == 401], ids=lambda kind: kind.__name__)
def test_every_401_carries_a_challenge(kind):
    """RFC 9110, section 15.5.2: a 401 without WWW-Authenticate is no 401."""
    assert kind.challenge.startswith(("Bearer", "Basic "))
