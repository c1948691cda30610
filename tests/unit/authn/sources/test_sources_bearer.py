import pytest
from fakes.presented import Presented

from gateway.authn.sources.bearer import Bearer
from gateway.errors import CredentialsRejected
from gateway.model import CredentialReading

CASE_SENSITIVE = CredentialReading(scheme_case_sensitive=True)
LAX = CredentialReading(bearer_is_strict=False, comma_cut=True)


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


@pytest.mark.parametrize(
    ("header", "token"),
    [(b"Bearer abc", b"abc"), (b"bearer abc", None), (b"BEARER abc", None), (b"bearer", None), (b"Basic abc", None)],
)
def test_where_an_erp_minds_the_case_of_the_scheme_only_bearer_is_one(header, token):
    assert Bearer(CASE_SENSITIVE).find(Presented(header)) == token


def test_a_bearer_that_is_not_one_token_is_rejected_there_as_well():
    with pytest.raises(CredentialsRejected):
        Bearer(CASE_SENSITIVE).find(Presented(b"Bearer"))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer   abc \t", b"abc"),
        (b"BEARER\tabc", b"abc"),
        (b"Bearer abc,def", b"abc"),
        (b"Bearer abc, def, ghi", b"abc"),
        (b"Bearer ,abc", b",abc"),  # no token that we know
        (b"Bearer a b", b"a b"),
        (b"Bearer", b""),
        (b"Bearer ", b""),
        (b"BearerX abc", None),
        (b"Bearer,abc", None),
        (b"Basic eDp5", None),
        (None, None),
    ],
)
def test_where_an_erp_reads_more_loosely_space_and_lists_are_cut(header, token):
    """As Spring's BearerTokenExtractor does, but for a scheme without anything between it and the token."""
    assert Bearer(LAX).find(Presented(header)) == token
