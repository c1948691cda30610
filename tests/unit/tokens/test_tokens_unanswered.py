"""What may have been taken is tried again as it was; memory of it is short and bounded."""

import pytest

from gateway.errors import StoreUnavailable
from gateway.state.records import Rotation, TokenKnown
from gateway.tokens.sealing import Successors
from gateway.tokens.unanswered import Attempt, Unanswered


def attempt(spent="spent", access="access"):
    return Attempt(
        Rotation(session_id="s", spent_hash=spent, successors=(), now=0.0), Successors(access, 900.0, "refresh")
    )


def fail(unanswered, attempt, failure=StoreUnavailable):
    with pytest.raises(failure), unanswered.until_answered(attempt):
        raise failure


def test_an_attempt_without_an_answer_is_recalled_once():
    unanswered = Unanswered()
    fail(unanswered, attempt())

    assert unanswered.recall("spent") == attempt()
    assert unanswered.recall("spent") is None
    assert unanswered.recall("other") is None


def test_an_answer_is_an_answer():
    unanswered = Unanswered()
    with unanswered.until_answered(attempt()):
        pass
    fail(unanswered, attempt(), TokenKnown)

    assert unanswered.recall("spent") is None


def test_of_several_at_once_the_first_counts():
    unanswered = Unanswered()
    fail(unanswered, attempt(access="first"))
    fail(unanswered, attempt(access="second"))

    assert unanswered.recall("spent").successors.access_token == "first"


def test_the_memory_ends():
    unanswered = Unanswered(memory=0.0)
    fail(unanswered, attempt())

    assert unanswered.recall("spent") is None


@pytest.mark.parametrize("memory", [0.0, 60.0])
def test_the_memory_is_bounded(memory):
    unanswered = Unanswered(memory=memory, capacity=10)

    for number in range(100):
        fail(unanswered, attempt(str(number)))

    assert len(unanswered) <= 10


def test_nothing_of_it_is_shown():
    assert "access'" not in repr(attempt())
