"""Telling of tokens that were let in unconfirmed: all are counted, and no session floods the audit log."""

import pytest

from gateway.model import Identity
from gateway.tokens import unconfirmed
from gateway.tokens.session_id import public_id
from gateway.tokens.shelf import Verified
from gateway.tokens.unconfirmed import AGAIN, Unconfirmed


def verified(session):
    return Verified(Identity("staff", "101", "ada", "bearer", login="native"), 2e9, session, "hash")


class Log:
    """Counts, remembers, and has a clock."""

    def __init__(self):
        self.count = 0
        self.lines = []
        self.now = 1000.0

    def tell(self):
        return Unconfirmed(self.counted, lambda event, **fields: self.lines.append((event, fields)), lambda: self.now)

    def counted(self):
        self.count += 1


@pytest.fixture
def log():
    return Log()


def test_a_session_is_audited_once_a_minute_and_every_request_counted(log):
    tell = log.tell()

    for _ in range(50):
        tell(verified("s1"))
    tell(verified("s2"))

    assert log.count == 51
    assert [fields["session"] for _, fields in log.lines] == [public_id("s1"), public_id("s2")]
    assert log.lines[0] == (
        "unconfirmed",
        {
            "user": "ada",
            "user_id": "101",
            "provider": "staff",
            "login": "native",
            "session": public_id("s1"),
            "result": "accepted",
        },
    )

    log.now += AGAIN
    tell(verified("s1"))
    assert len(log.lines) == 3


def test_its_memory_is_bounded(log, monkeypatch):
    monkeypatch.setattr(unconfirmed, "_CAPACITY", 10)
    tell = log.tell()

    for number in range(100):
        tell(verified(str(number)))

    assert len(log.lines) == 100
    assert len(tell._told) <= 10
