from fakes.presented import Presented

from gateway.authn.sources.api_key import ApiKey


def test_the_whole_value_is_the_key():
    assert ApiKey().find(Presented(api_key=b"a b,c")) == b"a b,c"
    assert ApiKey().find(Presented(api_key=b"")) == b"", "an empty key is a bad one, not none"
    assert ApiKey().find(Presented(b"Bearer x", None, b"c=1", b"t")) is None
