from fakes.presented import Presented

from gateway.authn.sources.cookie import Cookie


def test_no_cookie_is_a_credential_of_ours():
    assert Cookie().find(Presented(cookie=b"session_id=gwa_x; access_token=gwa_x")) is None


def test_a_browser_adds_it_unasked():
    assert not Cookie().explicit
