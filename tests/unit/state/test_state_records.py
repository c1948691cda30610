"""Records: sessions as JSON, and nothing secret in a repr."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Session
from gateway.state.records import Outcome, Rotation, RotationResult, dump_session, load_session

texts = st.text(st.characters())  # lone surrogates included: JSON can spell them
json_values = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, st.lists, max_leaves=5)
sessions = st.builds(
    Session,
    id=texts,
    login=texts,
    provider=texts,
    user_id=texts,
    user=texts,
    created=st.floats(0, 1e12),
    absolute_expiry=st.just(inf) | st.floats(0, 1e12),
    roles=st.lists(texts).map(tuple),
    scopes=st.lists(texts).map(tuple),
    tenant=texts,
    client_id=texts,
    context=st.dictionaries(texts, json_values),
)


@given(sessions)
def test_a_session_reads_back(session):
    assert load_session(dump_session(session).encode()) == session


@pytest.mark.parametrize(
    "text", [b"", b"{", b"null", b"[]", b"7", b'"s"', b"{}", b'{"id":"s"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_session_is_none(text):
    assert load_session(text) is None


def test_an_endless_session_is_valid_json():
    session = Session("s", "l", "p", "1", "u", 1.0)

    assert '"absolute_expiry":null' in dump_session(session)


def test_sealed_successors_are_in_no_repr():
    rotation = Rotation(session_id="s", spent_hash="h", successors=(), now=0.0, sealed=b"s3cret")

    assert "s3cret" not in repr(rotation) + repr(RotationResult(Outcome.REPLAYED, b"s3cret"))
