"""The switches, and that what is documented is their default."""

import pytest
from pydantic import ValidationError

from gateway.dialects.idempiere.options import IdempiereOptions


def test_the_defaults_are_as_documented():
    assert IdempiereOptions().model_dump() == {
        "mandatory_client_id_on_refresh": False,
        "mandatory_user_id_on_refresh": False,
        "mandatory_organization_id": False,
        "expose_jwk": False,
        "menu_tree_id": 0,
        "login_languages": (),
    }


def test_what_is_written_in_yaml_is_read():
    read = IdempiereOptions.model_validate({"expose_jwk": "true", "menu_tree_id": "10", "login_languages": ["de_DE"]})

    assert (read.expose_jwk, read.menu_tree_id, read.login_languages) == (True, 10, ("de_DE",))


@pytest.mark.parametrize("wrong", [{"expose_jwk": "yes"}, {"menu_tree_id": "-1"}, {"expose": "true"}])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValidationError):
        IdempiereOptions.model_validate(wrong)
