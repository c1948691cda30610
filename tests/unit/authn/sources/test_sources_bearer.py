import pytest
from fakes.presented import Presented

from gateway.authn.sources.bearer import Bearer
from gateway.errors import CredentialsRejected


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        (b"Bearer abc", b"abc"),
        (b"bearer abc", b"abc"),
        (b"BEARER abc", b"abc"),
        (b"Bearer ", b""),
        (b"Bearer  abc", b" abc"),  # no token that we know
        (b"Bearer a b", b"a b"),
        (b"Basic eDp5", None),
        (b"BearerX abc", None),
        (b"", None),
        (b"abc", None),
    ],
)
def test_one_reading_only(header, token):
    """GHSA-gv94-wp4h-vv8p: tabs, case and lists told lax parsers apart."""
    assert Bearer().find(Presented(header)) == token


@pytest.mark.parametrize(
    "header", [b"Bearer", b"bearer", b"Bearer\tabc", b"Bearer,abc", b'Bearer="abc"', b"bearer\xa0abc"]
)
def test_a_bearer_that_is_not_one_token_is_rejected(header):
    with pytest.raises(CredentialsRejected):
        Bearer().find(Presented(header))
