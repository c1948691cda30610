"""The shelf of verified tokens: bounded, and its indexes never hold more than it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Identity
from gateway.state.feed import Invalidation
from gateway.tokens.shelf import Shelf, Verified


def verified(session="s1", token_hash="h1", user="1", tenant="t1"):
    return Verified(Identity("staff", user, "ada", "bearer", tenant=tenant), 2e9, session, token_hash)


def test_an_entry_shows_no_token():
    assert repr(verified()) == "Verified(staff/1, expires_at=2000000000.0)"


def test_a_full_shelf_makes_room_for_the_newest():
    shelf = Shelf(16)
    for number in range(100):
        shelf.put(b"%d" % number, verified(str(number), str(number)))

    assert len(shelf.entries) <= 16
    assert b"99" in shelf.entries


EVENTS = st.one_of(
    st.builds(Invalidation, st.just("session"), session_id=st.sampled_from("abc")),
    st.builds(Invalidation, st.just("token"), token_hash=st.sampled_from("uvwxyz")),
    st.builds(Invalidation, st.just("user"), provider=st.just("staff"), user_id=st.sampled_from("12")),
    st.builds(Invalidation, st.just("tenant"), tenant=st.sampled_from("mn")),
    st.just(Invalidation("all")),
)
PUTS = st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("abc"), st.sampled_from("12"), st.sampled_from("mn"))
DROPS = st.sampled_from([b"u", b"v", b"w"])


@given(st.lists(st.one_of(EVENTS, PUTS, DROPS), max_size=40))
def test_whatever_happens_it_holds_what_no_event_ended(steps):
    shelf, model = Shelf(1000), {}
    for step in steps:
        if isinstance(step, tuple):
            name, session, user, tenant = step
            shelf.put(name.encode(), verified(session, name, user, tenant))
            model[name.encode()] = step
        elif isinstance(step, bytes):
            shelf.drop((step,))
            model.pop(step, None)
        else:
            ended = {"session": (1, step.session_id), "token": (0, step.token_hash), "user": (2, step.user_id)}
            at, value = {**ended, "tenant": (3, step.tenant)}.get(step.kind, (None, None))
            shelf.invalidate(step)
            model = {token: put for token, put in model.items() if at is not None and put[at] != value}

    assert set(shelf.entries) == set(model)
    assert set(shelf._by_hash.values()) == set(model)
    assert set().union(*shelf._by_session.values()) == set(model)
    assert all(shelf._by_session.values())


@pytest.mark.parametrize("kind", ["all", "reconnect", "new"])
def test_what_it_does_not_know_ends_everything(kind):
    shelf = Shelf(10)
    shelf.put(b"a", verified())

    shelf.invalidate(Invalidation(kind))

    assert not shelf.entries
    assert not shelf._by_hash
    assert not shelf._by_session
