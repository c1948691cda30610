from fakes.presented import Presented

from gateway.authn.sources.access_token import AccessToken


def test_what_the_proxy_cut_out_of_the_url_is_the_token():
    assert AccessToken().find(Presented(url_token=b"t")) == b"t"
    assert AccessToken().find(Presented(b"Bearer x", b"k", b"access_token=t")) is None
