import pytest
from pydantic import ValidationError

from gateway.config.secret import Secret, SecretFile
from gateway.config.section import Options, Section, fault, fold_twins, secret_fields, split_options


class Door(Section):
    name: str = ""
    key: Secret = Secret()
    lock_file: str = ""
    lock: str = ""


def test_only_secrets_have_twins():
    assert secret_fields(Door) == ("key",)
    assert fold_twins(Door, {"key_file": "k", "lock_file": "l"}) == {"key": SecretFile("k"), "lock_file": "l"}


def test_a_twin_beside_its_plain_key_is_noted():
    assert fold_twins(Door, {"key": "a", "key_file": "k"})["key"] == SecretFile("k", beside=True)


def test_what_is_no_mapping_is_left_to_the_model():
    assert fold_twins(Door, "x") == "x"
    with pytest.raises(ValidationError):
        Door.model_validate("x")


def test_unknown_keys_are_refused_and_sections_are_frozen():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Door.model_validate({"nme": "x"})
    with pytest.raises(ValidationError, match="frozen"):
        Door().name = "x"


def test_a_validation_error_shows_no_input():
    with pytest.raises(ValidationError) as refusal:
        Door.model_validate({"name": ["hush"]})

    assert "hush" not in str(refusal.value)


def test_a_fault_carries_its_key():
    assert fault("token", "is short").context == {"key": "token", "message": "is short"}


def test_options_are_split_from_what_all_variants_have():
    assert split_options({"type": "a", "x": 1, "y": 2}, {"type"}) == {"type": "a", "options": {"x": 1, "y": 2}}
    assert split_options("text", {"type"}) == "text"


def test_a_key_called_options_is_no_way_around():
    assert split_options({"type": "a", "options": {"x": 1}}, {"type"})["options"] == {"options": {"x": 1}}


def test_split_data_stays_split():
    once = split_options({"type": "a", "x": 1}, {"type"})

    assert split_options(once, {"type"}) == once


def test_the_repr_of_options_shows_names_only():
    assert repr(Options(password="hush", user="x")) == "Options(password, user)"
