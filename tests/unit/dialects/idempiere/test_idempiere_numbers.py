"""Ids as Java's int."""

from dataclasses import replace

import pytest
from fakes.still_broker import SESSION
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.idempiere.numbers import is_number, number_of, session_number, user_number


@pytest.mark.parametrize(("key", "number"), [("0", 0), ("11", 11), ("2147483647", 2147483647)])
def test_an_id_that_is_a_number_stays_what_it_is(key, number):
    assert is_number(key)
    assert number_of(key) == number


@pytest.mark.parametrize("key", ["", "mgordon", "011", "-1", "2147483648", "99999999999", "\uff11", "1 ", "4d2e"])
def test_any_other_id_becomes_a_number_of_its_own(key):
    assert not is_number(key)
    assert number_of(key) == number_of(key)
    assert 1_000_000 <= number_of(key) < 2**31
    assert number_of(key) != number_of(key + "x")


@given(st.text(max_size=40))
def test_every_id_fits_java_s_int(key):
    assert 0 <= number_of(key) < 2**31


def test_the_erp_s_number_of_the_user_counts():
    assert user_number(SESSION) == 101
    assert user_number(replace(SESSION, context={"user": 77})) == 77
    assert user_number(replace(SESSION, context={"user": "x"})) == 101


def test_the_number_of_a_session_says_nothing_but_how_its_user_is_found_again():
    numbers = {session_number(replace(SESSION, id=str(each))) for each in range(100)}

    assert len(numbers) == 100
    assert all(1_000_000 <= number < 2**31 and number % 2 == 0 for number in numbers)
    assert session_number(replace(SESSION, user_id="ada")) == session_number(SESSION) + 1
