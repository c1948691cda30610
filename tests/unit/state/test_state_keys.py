"""Key names: one slot per session, no names of people, pointers that read back."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.state.keys import Keys, Pointer, owner_tag, read_time, tenant_tag, write_time

KEYS = Keys("gw:")
texts = st.text(st.characters())  # lone surrogates included: JSON can spell them
times = st.one_of(st.just(inf), st.floats(min_value=0, max_value=1e12))


@given(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), times)
def test_a_pointer_reads_back(session_id, expires_at):
    pointer = Pointer(session_id, owner_tag("staff", "101"), tenant_tag("Garden"), expires_at)

    assert Pointer.load(pointer.dump().encode()) == pointer


@pytest.mark.parametrize("value", [None, b"", b"s1", b"s1 a b", b"s1 a b c", b"s1 a b 1 2", b"\xff a b 1"])
def test_what_is_no_pointer_is_none(value):
    assert Pointer.load(value) is None


@given(times)
def test_times_read_back_to_the_bit(moment):
    assert read_time(write_time(moment)) == moment


def test_the_keys_of_a_session_share_one_slot():
    """Redis hashes what stands in the first braces."""
    assert {key.partition("{")[2].partition("}")[0] for key in KEYS.of_session("s1")} == {"s1"}
    assert len(set(KEYS.of_session("s1"))) == 3


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_two_users_never_share_a_tag(one, other):
    assert (owner_tag(*one) == owner_tag(*other)) == (one == other)


def test_no_tenant_has_no_index_and_no_mark():
    owner, tenant = owner_tag("staff", "101"), tenant_tag("")

    assert KEYS.indexes(owner, tenant) == (KEYS.user_index(owner),)
    assert KEYS.marks(owner, tenant) == (KEYS.mark_all, KEYS.mark_user(owner))


def test_names_of_people_are_in_no_key():
    owner, tenant = owner_tag("staff", "garden.admin"), tenant_tag("GardenWorld")
    keys = [*KEYS.indexes(owner, tenant), *KEYS.marks(owner, tenant)]

    assert len(keys) == 5
    assert not [key for key in keys if "arden" in key]
