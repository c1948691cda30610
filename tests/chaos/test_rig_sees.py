"""The rig itself: what would be wrong is seen and counted, or a run that finds nothing would prove nothing."""

import json
import random

import pytest
from chaos.rig_held import Held, Standing
from chaos.rig_judge import Judge
from chaos.rig_nodes import User
from chaos.rig_report import HEALING, Report, Window
from chaos.rig_wire import Answer

ADA, BOB = User.some(2, random.Random(1))
TARGET = "/echo/plain/x/1"


def echo(user, target=TARGET, body="", **more):
    told = {"target": target, "body": body, "x-auth-user": user.name, "x-auth-user-id": str(user.id)}
    told |= {"x-auth-method": "bearer", "secrets": []} | more
    return Answer(f"HTTP/1.1 200 OK\r\nX-Target: {target}\r\n\r\n".encode(), json.dumps(told).encode())


def test_ones_own_answer_is_right():
    judge = Judge([ADA, BOB])

    judge.echoed(ADA, TARGET, "", echo(ADA))

    assert judge.violations == []


@pytest.mark.parametrize(
    "answer",
    [
        echo(BOB),
        echo(ADA, target="/echo/plain/x/2"),
        echo(ADA, body="another's"),
        echo(ADA, secrets=["authorization"]),
        echo(ADA, by=BOB.name),
    ],
    ids=[
        "another's identity",
        "another request's",
        "another body",
        "a credential passed on",
        "another's name somewhere",
    ],
)
def test_an_answer_of_something_else_is_seen(answer):
    judge = Judge([ADA, BOB])

    judge.echoed(ADA, TARGET, "", answer)

    assert judge.count


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"HTTP/1.1 401 Unauthorized\r\nX-User: %b\r\n\r\n" % BOB.name.encode(), b""),
        Answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b'{"error":"bad","error_description":"%b"}' % BOB.name.encode()),
    ],
    ids=["a header", "an error field"],
)
def test_a_strangers_name_in_a_refusal_is_seen(answer):
    judge = Judge([ADA, BOB])

    judge.mine(ADA, answer)

    assert judge.count == 1


def test_a_request_id_that_was_told_twice_is_seen():
    judge = Judge([ADA, BOB])
    answer = Answer(b"HTTP/1.1 401 Unauthorized\r\n\r\n", b'{"error":"invalid_token","request_id":"a-1"}')

    judge.mine(ADA, answer)
    judge.mine(BOB, answer)

    assert judge.count == 1


def test_a_strangers_session_in_a_list_is_seen():
    judge = Judge([ADA, BOB])
    answer = Answer(b"HTTP/1.1 200 OK\r\n\r\n", b'{"sessions":[{"id":"s1"}]}')

    judge.lists(ADA, answer)
    judge.lists(BOB, answer)

    assert judge.count == 1


def test_a_revoked_token_must_not_open_anything_once_the_bound_is_over():
    held = Held(ADA, "/auth", ["a"], "r", standing=Standing.REVOKED, revoked_at=10.0)

    assert not held.must_not_open(10.4, 0.5)
    assert held.must_not_open(10.6, 0.5)
    assert not held.must_open


def report(*records, windows=()):
    return Report(1, list(windows), list(records), [], 0, 0, 0.0)


FAULT = Window("a fault", 10.0, repaired=11.0)
KILL = Window("a kill", 10.0, breaks=frozenset({"broken"}), repaired=11.0)


@pytest.mark.parametrize(
    ("record", "window"),
    [
        ([5.0, 5.1, 0, "use", 503], FAULT),
        ([11.1 + HEALING, 11.2 + HEALING, 0, "use", 503], FAULT),
        ([10.5, 10.6, 0, "use", 401], FAULT),
        ([10.5, 10.6, 0, "use", 500], FAULT),
        ([10.5, 10.6, 0, "use", "broken"], FAULT),
        ([10.5, 10.6, 0, "use", "never"], KILL),
    ],
    ids=["before it", "long after it", "a refusal", "another failure", "a broken connection", "no answer at all"],
)
def test_a_failure_that_no_fault_explains_is_seen(record, window):
    assert not report(record, windows=[window]).holds


@pytest.mark.parametrize(
    ("record", "window"),
    [
        ([10.5, 10.6, 0, "use", 503], FAULT),
        ([9.0, 10.1, 0, "use", 502], FAULT),
        ([11.5, 11.6, 0, "use", 504], FAULT),
        ([10.5, 10.6, 0, "use", "broken"], KILL),
        ([5.0, 5.1, 0, "probe", 401], FAULT),
    ],
    ids=["within it", "begun before it", "while it heals", "a connection of the killed", "a refusal that is right"],
)
def test_what_a_fault_explains_is_no_violation(record, window):
    assert report(record, windows=[window]).holds


def test_the_timeline_tells_what_each_fault_did():
    lines = "\n".join(report([10.5, 10.6, 0, "use", 503], [20.0, 20.1, 0, "use", 200], windows=[FAULT]).lines())

    assert "seed 1: 2 requests" in lines
    assert "a fault" in lines
    assert "'503': 1" in lines
    assert "outside of all faults: 1 requests, 0 failed" in lines
