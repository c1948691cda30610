"""What is served while the store is away: what it stands beside, and that it is told."""

import pytest
from fakes.presented import verified

from gateway.assembly.outage import tell_unconfirmed
from gateway.config.problems import ConfigRefused

IDEMPIERE = "{idempiere: {dialect: idempiere, path: /api/v1/auth, identity_provider: staff, expose_jwk: %s}}"


def test_verified_tokens_do_not_outlive_the_store_beside_a_published_secret(assembler):
    with pytest.raises(ConfigRefused) as refused:
        assembler(store="{when_down: verify_signed}", logins=IDEMPIERE % "true")

    (problem,) = refused.value.problems
    assert problem.where == "store.when_down"
    assert (problem.line, problem.column) == (5, 20)
    assert "logins.idempiere, which publishes its secret" in problem.message


@pytest.mark.parametrize(
    ("store", "exposed", "seconds"),
    [("{when_down: verify_signed}", "false", 60.0), ("{when_down: deny}", "true", 0.0), ("{max_staleness: 5m}", "true", 0.0)],
)  # fmt: skip
def test_the_cache_knows_for_how_long(assembler, store, exposed, seconds):
    built = assembler(store=store, logins=IDEMPIERE % exposed)

    assert built.logins.cache._max_staleness == seconds


def test_it_is_counted_and_audited(assembler):
    shared = assembler.shared(assembler.load())

    tell_unconfirmed(shared)(verified())

    assert shared.metrics.snapshot()["unconfirmed_requests_total"] == [[[], 1]]
    assert [event for event, _ in assembler.audited] == ["unconfirmed"]
