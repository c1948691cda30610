import pytest
from fakes.presented import Presented

from gateway.authn.sources import SOURCES
from gateway.authn.sources.cookie import Cookie


def ours(value):
    return value.startswith(b"ours")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        (b"", None),
        (b"other=ours-1", None),
        (b"session_id=ours-1", b"ours-1"),
        (b"a=1; session_id=ours-1; b=2", b"ours-1"),
        (b"sid=ours-2", b"ours-2"),
        (b"session_id=theirs", b"theirs"),
        (b"session_id=theirs; session_id=ours-1", b"ours-1"),
        (b"session_id=ours-1; session_id=ours-1", b"ours-1"),
        (b"session_id=ours-1; session_id=ours-2", None),
        (b"session_id=ours-1; sid=ours-2", None),
        (b"session_id=theirs; session_id=others", None),
    ],
)
def test_one_value_is_read_and_two_of_ours_are_none(header, found):
    """Another site of the same domain can plant a second one, but not take the first one away."""
    assert Cookie([b"session_id", b"sid"], ours).find(Presented(cookie=header)) == found


def test_without_logins_that_hand_out_cookies_none_is_a_credential():
    assert SOURCES["cookie"].find(Presented(cookie=b"session_id=ours-1; access_token=ours-1")) is None
    assert SOURCES["cookie"].find(Presented(cookie=b"session_id=ours-1; session_id=ours-2")) is None


def test_a_browser_adds_it_unasked():
    assert not Cookie().explicit
