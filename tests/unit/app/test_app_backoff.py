from gateway.app.backoff import LONGEST, STEADY, Backoff


def test_the_first_start_waits_for_nothing_and_each_next_one_twice_as_long():
    backoff = Backoff()

    assert [backoff.pause() for _ in range(5)] == [0.0, 0.1, 0.2, 0.4, 0.8]


def test_the_pause_has_an_end():
    backoff = Backoff()

    assert [backoff.pause() for _ in range(20)][-1] == LONGEST


def test_a_worker_that_served_for_a_while_begins_anew():
    backoff = Backoff()
    for _ in range(5):
        backoff.pause()

    backoff.served(STEADY - 1)
    assert backoff.pause() > 0
    backoff.served(STEADY)
    assert backoff.pause() == 0.0
