from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from gateway.config.faults import explain, is_about_key, keys_at, place, unwrapped
from gateway.config.schema import Config
from gateway.config.secret import Secret
from gateway.config.section import Section, fault
from gateway.config.values import Name


class Lamp(Section):
    color: Literal["red", "green"] = "red"
    watts: int = 1
    volts: Literal[12, 230] = 230
    on: bool = False
    tags: tuple[str, ...] = ()
    key: Secret = Secret()


class Room(Section):
    lamps: dict[Name, Lamp] = Field(default_factory=dict)
    first: Annotated[Lamp | None, "note"] = None
    row: tuple[Lamp, ...] = ()


def errors(data):
    with pytest.raises(ValidationError) as refusal:
        Room.model_validate(data)
    return refusal.value.errors(include_url=False)


@pytest.mark.parametrize(
    ("data", "where", "message"),
    [
        ({"first": {"color": "gren"}}, ("first", "color"), 'must be one of red, green; did you mean "green"?'),
        ({"first": {"colour": "red"}}, ("first", "colour"), 'unknown key; did you mean "color"?'),
        (
            {"first": {"zz": 1}},
            ("first", "zz"),
            "unknown key; known here: color, key, key_file, on, tags, volts, watts",
        ),
        ({"first": {"watts": "many"}}, ("first", "watts"), "must be a whole number"),
        ({"first": {"volts": "110"}}, ("first", "volts"), "must be one of 12, 230"),
        ({"first": {"on": "maybe"}}, ("first", "on"), "must be true or false"),
        ({"first": {"tags": "a"}}, ("first", "tags"), "must be a list, such as [one, two]"),
        ({"first": {"tags": [["a"]]}}, ("first", "tags", 0), "must be a single text"),
        ({"first": "x"}, ("first",), "must be a mapping of keys to values"),
        ({"lamps": "x"}, ("lamps",), "must be a mapping of keys to values"),
        ({"lamps": {"a b": {}}}, ("lamps", "a b"), "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with"),
    ],
)
def test_a_fault_is_told_in_the_words_of_the_file(data, where, message):
    (error,) = errors(data)

    assert place(error) == where
    assert explain(error, keys_at(Room, place(error)[:-1])).startswith(message)


def test_a_fault_of_a_whole_section_is_placed_at_its_key():
    error = {"type": "fault", "loc": ("admin",), "ctx": {"key": "token"}, "msg": "is short", "input": {}}

    assert place(error) == ("admin", "token")
    assert explain(error, ()) == "is short"
    assert str(fault("token", "is short")) == "is short"


def test_unknown_and_malformed_keys_are_at_fault_themselves():
    assert is_about_key(errors({"x": 1})[0])
    assert is_about_key(errors({"lamps": {"a b": {}}})[0])
    assert not is_about_key(errors({"first": "x"})[0])


@pytest.mark.parametrize(
    ("where", "some"),
    [
        ((), {"lamps", "first", "row"}),
        (("first",), {"color", "key", "key_file"}),
        (("lamps", "any"), {"color"}),
        (("row", 3), {"watts"}),
    ],
)
def test_the_known_keys_of_a_place_come_from_the_models(where, some):
    assert some <= keys_at(Room, where)


def test_where_names_are_free_no_key_is_known():
    assert keys_at(Room, ("lamps",)) == set()
    assert keys_at(Room, ("first", "color", "deeper")) == set()
    assert keys_at(Room, ("nothing", "here")) == set()


def test_the_keys_that_variants_have_in_common_are_known():
    assert {"dialect", "access_ttl"} <= keys_at(Config, ("logins", "any"))
    assert "options" not in keys_at(Config, ("logins", "any"))


def test_annotations_and_options_are_looked_through():
    assert unwrapped(Annotated[int | None, "note"]) is int
    assert unwrapped(str) is str
