from gateway.app.drain import AT_ONCE, Drain


def test_it_crosses_to_a_worker_as_it_is():
    drain = Drain(5.0, 0.5, take_queued=True)

    assert Drain(**drain.message()["how"]) == drain


def test_at_once_waits_for_nothing():
    assert (AT_ONCE.limit, AT_ONCE.idle_grace, AT_ONCE.take_queued) == (0.0, 0.0, False)
