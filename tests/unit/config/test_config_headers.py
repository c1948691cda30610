import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.headers import HeaderChanges, fold, read_header_name, read_header_value


@pytest.mark.parametrize("name", ["X-Auth-User", "x_auth_user", "X.Auth.User", "X-AUTH_user"])
def test_names_that_an_erp_could_take_for_each_other_fold_together(name):
    assert fold(name) == "x-auth-user"


@pytest.mark.parametrize("name", ["", "X Auth", "X:", "X-Ä", "X\r\nY", "X" * 101, "(x)"])
def test_what_is_no_token_is_no_header_name(name):
    with pytest.raises(ValueError, match=r"must be a header name|empty|control"):
        read_header_name(name)


@pytest.mark.parametrize("value", ["", " x", "x ", "a\nb", "a\0", "ä", "\t"])
def test_what_could_end_a_header_is_no_value(value):
    with pytest.raises(ValueError, match=r"must be a header value|empty|control"):
        read_header_value(value)


@given(st.text())
def test_a_value_that_passes_is_one_line_of_ascii(value):
    try:
        passed = read_header_value(value)
    except ValueError:
        return
    assert passed.isascii()
    assert passed.isprintable()


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "TE", "Upgrade"])
def test_the_framing_of_a_message_cannot_be_configured(name):
    with pytest.raises(ValueError, match="belongs to the message itself"):
        HeaderChanges.model_validate({"set": {name: "x"}})
    with pytest.raises(ValueError, match="belongs to the message itself"):
        HeaderChanges.model_validate({"remove": [name]})


@pytest.mark.parametrize(
    "changes",
    [{"set": {"X-A": "1", "x-a": "2"}}, {"set": {"X-A": "1"}, "remove": ["x_a"]}, {"remove": ["X-A", "x-a"]}],
)
def test_a_header_is_changed_in_one_way_only(changes):
    with pytest.raises(ValueError, match="twice"):
        HeaderChanges.model_validate(changes)


def test_headers_are_set_and_removed_as_written():
    changes = HeaderChanges.model_validate({"set": {"X-Zone": "a b"}, "remove": ["Server"]})

    assert changes.set == {"X-Zone": "a b"}
    assert changes.remove == ("Server",)
