"""The public id of a session names it and opens nothing."""

from gateway.tokens.session_id import new_session_id, public_id


def test_ids_are_never_the_same():
    assert len({new_session_id() for _ in range(1000)}) == 1000


def test_a_public_id_is_steady_and_says_nothing_of_the_store_s():
    session_id = new_session_id()

    assert public_id(session_id) == public_id(session_id)
    assert public_id(session_id) != public_id(new_session_id())
    assert len(public_id(session_id)) == 24
    assert session_id not in public_id(session_id)
