import pytest
from pydantic import ValidationError

from gateway.dialects.jmix.options import JmixOptions


def read(**options):
    return JmixOptions.model_validate(options)


def test_what_the_documentation_shows_is_the_default():
    assert read().model_dump() == {
        "generation": 1,
        "reuse_refresh_token": True,
        "support_refresh_token": True,
        "scope": "rest-api",
        "url_safe_tokens": False,
        "parameters_in_query": False,
    }


@pytest.mark.parametrize(("written", "generation"), [("2", 2), (2, 2), ("1", 1)])
def test_the_generation_may_come_from_the_environment(written, generation):
    assert read(generation=written).generation == generation


@pytest.mark.parametrize(
    "options", [{"generation": "3"}, {"generation": "true"}, {"scope": "email"}, {"rotate": False}, {"scope": ""}]
)
def test_anything_else_is_refused(options):
    with pytest.raises(ValidationError):
        read(**options)
