"""A refusal after which nobody knows where the next request begins closes the connection."""

import pytest

from gateway.errors import BodyTooLarge, HeadTooLarge, MalformedBody, MalformedMessage, MethodNotAllowed, NotFound


@pytest.mark.parametrize("failure", [MalformedMessage(), HeadTooLarge(), BodyTooLarge()], ids=lambda one: one.code)
def test_what_cannot_be_read_to_its_end_closes_the_connection(failure):
    assert failure.close


@pytest.mark.parametrize("failure", [MalformedBody("The body is no JSON."), NotFound()], ids=lambda one: one.code)
def test_what_was_read_whole_keeps_the_connection(failure):
    assert not failure.close


def test_what_is_set_on_one_failure_does_not_reach_the_next():
    MethodNotAllowed(allow=("GET",))

    assert MethodNotAllowed().allow == ()
