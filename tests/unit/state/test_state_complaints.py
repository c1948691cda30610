"""The log says what the store refuses, and is not filled with it."""

from gateway.state.complaints import SILENCE, Complaints


def test_a_reason_is_said_once_and_again_after_a_while(caplog):
    now = [100.0]
    complaints = Complaints(lambda: now[0])

    complaints.tell("OOM")
    complaints.tell("OOM")
    complaints.tell("NOPERM")
    now[0] += SILENCE
    complaints.tell("OOM")

    assert caplog.messages == ["OOM", "NOPERM", "OOM"]


def test_reasons_without_end_do_not_fill_the_log(caplog):
    complaints = Complaints(lambda: 100.0)

    for number in range(1000):
        complaints.tell(f"reason {number}")

    assert len(caplog.messages) == 8
