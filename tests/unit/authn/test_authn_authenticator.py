from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256

import pytest
from fakes.clock import Clock
from fakes.presented import Presented, StillTokens, verified

from gateway.authn.api_keys import ApiKeys, DeclaredKey
from gateway.authn.authenticator import COLD, FOREIGN, NOBODY, Authenticator
from gateway.authn.sources.bearer import PLAIN
from gateway.errors import (
    CredentialsMissing,
    CredentialsRejected,
    Forbidden,
    Reason,
    SeveralCredentials,
    StoreUnavailable,
)
from gateway.model import CredentialReading, Identity
from gateway.tokens.cache import Verified
from gateway.tokens.opaque import mint_api_key

BLOCKED = mint_api_key("k4").encode()
KEYS = ApiKeys(
    [
        DeclaredKey("k1", sha256(b"the-key").hexdigest(), "scanner"),
        DeclaredKey("k2", sha256(b"other-routes-key").hexdigest(), "scanner", routes=("another",)),
        DeclaredKey("k3", sha256(b"old-key").hexdigest(), "scanner", expires_at=1.0),
        DeclaredKey("k4", sha256(BLOCKED).hexdigest(), "scanner", blocked=True),
    ],
    Clock(),
)
ALL = ("bearer", "api_key", "access_token", "cookie")


@pytest.fixture
def tokens():
    return StillTokens({b"warm": verified()}, {b"cold": verified("bob")})


@pytest.fixture
def make(tokens):
    def make(*credentials, logins=None, passes_foreign=False, reading=PLAIN):
        return Authenticator(
            route="orders",
            credentials=credentials or ("bearer", "api_key"),
            logins=logins,
            tokens=tokens,
            verifier=tokens,
            keys=KEYS,
            passes_foreign=passes_foreign,
            reading=reading,
        )

    return make


def bearer(token):
    return Presented(authorization=b"Bearer " + token)


def test_a_warm_token_is_known_at_once(make, tokens):
    assert make().identify(bearer(b"warm"), anonymous=False) is tokens.warm[b"warm"]


async def test_a_cold_one_is_looked_up(make, tokens):
    assert make().identify(bearer(b"cold"), anonymous=False) is COLD
    assert await make().identify_cold(bearer(b"cold")) is tokens.cold[b"cold"]


@pytest.mark.parametrize("anonymous", [False, True])
async def test_an_unknown_one_is_rejected_even_where_none_is_needed(make, anonymous):
    assert make().identify(bearer(b"unknown"), anonymous=anonymous) is COLD
    with pytest.raises(CredentialsRejected):
        await make().identify_cold(bearer(b"unknown"))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, Reason.ABSENT),
        (b"", Reason.ABSENT),
        (b"Basic eDp5", Reason.MISSING_SCHEME),
        (b"unknown", Reason.MISSING_SCHEME),
        (b"Bearer", Reason.BAD_HEADER),
        (b"Bearer ", Reason.BAD_HEADER),
        (b"Bearer\tunknown", Reason.BAD_HEADER),
        (b"Bearer  unknown", Reason.BAD_HEADER),
        (b"Bearer two tokens", Reason.BAD_HEADER),
        (b"Bearer unknown", Reason.MALFORMED),
    ],
)
async def test_a_refusal_knows_why(make, header, reason):
    async def ask():
        if make().identify(Presented(header), anonymous=False) is COLD:
            await make().identify_cold(Presented(header))

    with pytest.raises(CredentialsMissing) as refused:
        await ask()

    assert refused.value.reason is reason


async def test_an_unknown_key_and_another_login_are_reasons_of_their_own(make):
    with pytest.raises(CredentialsRejected) as unknown:
        make("api_key").identify(Presented(api_key=b"unknown"), anonymous=False)
    with pytest.raises(CredentialsRejected) as other:
        make(logins=["oauth2"]).identify(bearer(b"warm"), anonymous=False)

    assert (unknown.value.reason, other.value.reason) == (Reason.UNKNOWN_KEY, Reason.OTHER_LOGIN)


@pytest.mark.parametrize(("tells", "told"), [(True, "s\xe9cret"), (False, "")])
async def test_the_refused_text_is_handed_on_only_where_the_answer_is_made_of_it(make, tells, told):
    with pytest.raises(CredentialsRejected) as refused:
        await make(reading=CredentialReading(tells_token=tells)).identify_cold(bearer(b"s\xe9cret"))

    assert refused.value.presented == told
    assert "cret" not in str(refused.value) + repr(refused.value)


def test_so_is_that_of_a_login_that_does_not_count(make):
    with pytest.raises(CredentialsRejected) as refused:
        make(logins=["oauth2"], reading=CredentialReading(tells_token=True)).identify(bearer(b"warm"), anonymous=False)

    assert refused.value.presented == "warm"


def test_so_is_that_of_a_token_whose_session_the_erp_has_ended(make):
    late = CredentialsRejected("over", reason=Reason.REVOKED)
    authenticator = make(reading=CredentialReading(tells_token=True))

    refused = authenticator.of_request(bearer(b"warm"), late)

    assert (refused.presented, refused.reason, str(refused)) == ("warm", Reason.REVOKED, "over")
    assert authenticator.of_request(Presented(), late) is late


@pytest.mark.parametrize(
    ("header", "url", "found"),
    [
        (b"bearer  warm, more", None, "bearer"),
        (b"Basic eDp5", b"warm", "access_token"),
        (None, b"warm", "access_token"),
    ],
)
def test_a_credential_is_read_as_the_clients_of_the_erp_write_it(make, tokens, header, url, found):
    reading = CredentialReading(bearer_is_strict=False, comma_cut=True, header_wins=True)
    known = make(*ALL, reading=reading).identify(Presented(header, url_token=url), anonymous=False)

    assert known.identity.method == found


@pytest.mark.parametrize(
    ("wins", "header", "outranks"),
    [(True, b"Bearer x", True), (True, b"Basic x", False), (True, None, False), (False, b"Bearer x", False)],
)
def test_a_bearer_outranks_a_url_token_only_where_the_erp_says_so(make, wins, header, outranks):
    reading = CredentialReading(header_wins=wins)

    assert make(*ALL, reading=reading).outranks_url_token(Presented(header)) is outranks


async def test_an_outage_is_no_rejection(make, tokens):
    tokens.away = True

    with pytest.raises(StoreUnavailable):
        await make().identify_cold(bearer(b"unknown"))


def test_without_a_credential_only_the_whitelist_lets_in(make):
    assert make().identify(Presented(), anonymous=True) is NOBODY
    with pytest.raises(CredentialsMissing):
        make().identify(Presented(), anonymous=False)
    assert make().identify(Presented(cookie=b"session_id=1"), anonymous=True) is NOBODY


@pytest.mark.parametrize(
    "request_",
    [
        Presented(b"Bearer warm", b"the-key"),
        Presented(b"Bearer warm", url_token=b"warm"),
        Presented(api_key=b"the-key", url_token=b"warm"),
        Presented(b"Bearer ", b""),
    ],
)
def test_two_credentials_mean_two_things(make, request_):
    with pytest.raises(SeveralCredentials):
        make(*ALL).identify(request_, anonymous=True)


def test_a_source_that_the_route_does_not_list_is_not_read(make):
    assert make("api_key").identify(Presented(url_token=b"warm"), anonymous=True) is NOBODY
    assert make("access_token").identify(Presented(b"Bearer warm", b"the-key"), anonymous=True) is NOBODY
    assert make("bearer").identify(Presented(b"Basic eDp5"), anonymous=True) is NOBODY
    assert make("bearer").identify(Presented(api_key=b"the-key"), anonymous=True) is NOBODY


@pytest.mark.parametrize("request_", [Presented(api_key=b"the-key"), Presented(b"Bearer the-key")])
def test_a_key_counts_wherever_keys_are_listed(make, request_):
    assert make("api_key").identify(request_, anonymous=False).identity.key_id == "k1"
    assert make("api_key", "bearer").identify(request_, anonymous=False).identity.key_id == "k1"


def test_a_token_as_bearer_does_not_count_where_only_keys_are_listed(make):
    for token in (b"warm", b"cold"):
        with pytest.raises(CredentialsRejected):
            make("api_key").identify(bearer(token), anonymous=True)


@pytest.mark.parametrize("key", [b"unknown", b"", b"old-key", b"warm"])
def test_a_key_that_is_none_is_rejected_without_asking_the_store(make, key):
    with pytest.raises(CredentialsRejected):
        make(*ALL).identify(Presented(api_key=key), anonymous=True)


def test_a_key_that_is_blocked_is_not_asked_about_elsewhere(make, tokens):
    """It may have been made here, and be declared now."""
    tokens.cold[BLOCKED] = Verified(Identity("@api_keys", "s", "s", "api_key", key_id="k4"), 2e9, "key-k4", "hash")

    with pytest.raises(CredentialsRejected) as refused:
        make("api_key").identify(Presented(api_key=BLOCKED), anonymous=False)

    assert refused.value.reason is Reason.KEY_BLOCKED


async def test_a_made_key_is_looked_up_once_and_counts_as_a_declared_one_does(make, tokens):
    key = mint_api_key("m1").encode()
    identity = Identity("@api_keys", "scanner", "scanner", "api_key", key_id="m1")
    tokens.cold[key] = Verified(identity, 2e9, "key-m1", "hash")
    for request_ in (Presented(api_key=key), bearer(key)):
        assert make().identify(request_, anonymous=False) is COLD
        assert (await make("api_key").identify_cold(request_)).identity == identity

    tokens.warm[key] = tokens.cold[key]
    for request_ in (Presented(api_key=key), bearer(key)):
        for credentials in (("api_key",), ("api_key", "bearer")):
            assert make(*credentials, logins=["native"]).identify(request_, anonymous=False).identity == identity


async def test_a_made_key_counts_only_where_keys_do_and_never_in_a_url(make, tokens):
    key = mint_api_key("m1").encode()
    tokens.cold[key] = Verified(Identity("@api_keys", "s", "s", "api_key", key_id="m1"), 2e9, "key-m1", "hash")
    with pytest.raises(CredentialsRejected):
        await make("bearer").identify_cold(bearer(key))
    with pytest.raises(CredentialsRejected):
        await make(*ALL).identify_cold(Presented(url_token=key))

    tokens.warm = tokens.cold
    with pytest.raises(CredentialsRejected):
        make("bearer").identify(bearer(key), anonymous=True)
    with pytest.raises(CredentialsRejected):
        make(*ALL).identify(Presented(url_token=key), anonymous=True)


def test_a_made_key_may_be_limited_to_other_routes_too(make, tokens):
    key = mint_api_key("m1").encode()
    identity = Identity("@api_keys", "s", "s", "api_key", key_id="m1", key_routes=frozenset({"another"}))
    tokens.warm[key] = Verified(identity, 2e9, "key-m1", "hash")

    for request_ in (Presented(api_key=key), bearer(key)):
        with pytest.raises(Forbidden):
            make().identify(request_, anonymous=False)


async def test_a_key_is_no_url_token(make):
    assert make(*ALL).identify(Presented(url_token=b"the-key"), anonymous=True) is COLD
    with pytest.raises(CredentialsRejected):
        await make(*ALL).identify_cold(Presented(url_token=b"the-key"))


def test_a_key_may_be_limited_to_other_routes(make):
    with pytest.raises(Forbidden):
        make().identify(Presented(api_key=b"other-routes-key"), anonymous=False)


async def test_a_token_of_another_login_is_rejected(make):
    with pytest.raises(CredentialsRejected):
        make(logins=["oauth2"]).identify(bearer(b"warm"), anonymous=False)
    with pytest.raises(CredentialsRejected):
        await make(logins=["oauth2"]).identify_cold(bearer(b"cold"))
    assert make(logins=["native"]).identify(bearer(b"warm"), anonymous=False).identity.user == "ada"


def test_the_identity_says_how_it_was_proved_and_is_made_once(make, tokens):
    authenticator = make(*ALL)

    by_url = authenticator.identify(Presented(url_token=b"warm"), anonymous=False)

    assert by_url.identity.method == "access_token"
    assert by_url.session_id == tokens.warm[b"warm"].session_id
    assert authenticator.identify(Presented(url_token=b"warm"), anonymous=False) is by_url
    assert authenticator.identify(bearer(b"warm"), anonymous=False).identity.method == "bearer"


@pytest.mark.parametrize(
    "request_",
    [
        Presented(b"Bearer theirs"),
        Presented(b"Basic eDp5"),
        Presented(api_key=b"theirs"),
        Presented(cookie=b"session_id=1"),
    ],
)
@pytest.mark.parametrize("credentials", [("bearer", "api_key"), ("bearer",), ("access_token",)])
def test_what_is_not_ours_goes_on_where_the_erp_still_judges(make, request_, credentials):
    assert make(*credentials, passes_foreign=True).identify(request_, anonymous=False) is FOREIGN
    assert (request_.authorization, request_.api_key, request_.cookie) != (None, None, None)


@pytest.mark.parametrize("ours", [b"warm", b"cold", b"gwa_dead", b"the-key", b"old-key"])
@pytest.mark.parametrize("credentials", [("bearer",), ("api_key",), ("access_token",)])
def test_what_is_ours_never_goes_along(make, ours, credentials):
    authenticator = make(*credentials, passes_foreign=True)

    for beside in (b"Basic eDp5", b"Bearer theirs", None):
        request = Presented(beside, ours, b"theirs=1")
        for attempt in (request, Presented(b"Token " + ours, cookie=b"theirs=1")):
            try:
                found = authenticator.identify(attempt, anonymous=True)
            except (CredentialsRejected, SeveralCredentials):
                continue
            if found is FOREIGN:
                assert ours not in (attempt.authorization or b"") + (attempt.api_key or b"")


def test_only_ours_in_headers_that_nobody_reads_is_no_foreign_credential(make):
    authenticator = make("access_token", passes_foreign=True)

    with pytest.raises(CredentialsMissing):
        authenticator.identify(Presented(b"Bearer warm"), anonymous=False)


def test_a_public_route_takes_ours_away_and_leaves_theirs(make):
    request = Presented(b"BEARER   warm", b"the-key", b"c=1")
    assert make().foreign(request) is FOREIGN
    assert (request.authorization, request.api_key, request.cookie) == (None, None, b"c=1")

    request = Presented(b"Bearer theirs", b"theirs")
    make().foreign(request)
    assert (request.authorization, request.api_key) == (b"Bearer theirs", b"theirs")


@pytest.mark.parametrize(
    "written", [b"%b x", b"x,%b", b"%b,x", b'"%b"', b'Digest a="%b", b=c', b"Token token=%b", b" x" * 99]
)
@pytest.mark.parametrize("ours", [b"warm", b"gwa_dead", b"the-key"])
def test_ours_is_taken_away_whatever_stands_around_it(make, written, ours):
    value = written % ours if b"%" in written else written
    request = Presented(b"Bearer " + value, value)

    make().foreign(request)

    assert (request.authorization, request.api_key) == (None, None)


@pytest.mark.parametrize("pair", [b"%b:", b"x:%b", b"%b"])
def test_ours_in_the_place_of_a_name_or_password_is_taken_away(make, pair):
    for ours, left in ((b"gwa_dead", None), (b"the-key", None), (b"theirs", b"Basic " + b64encode(pair % b"theirs"))):
        request = Presented(b"Basic " + b64encode(pair % ours))

        make().foreign(request)

        assert request.authorization == left


@pytest.mark.parametrize("scheme", [b"Basic ", b"basic  ", b"Basic\t"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("pair", [b"gwa_dead:", b"gwa_dead:x", b"gwa_dead:xx", b"\xff\xef\xbf?>:gwa_dead"])
def test_nor_does_it_pass_in_base64_that_only_a_lenient_erp_reads(make, scheme, encode, pair):
    for padding in (b"", b"="):
        request = Presented(scheme + encode(pair).rstrip(b"=") + padding)

        make().foreign(request)

        assert request.authorization is None


def test_a_dead_token_of_ours_is_never_foreign(make):
    assert make(passes_foreign=True).identify(bearer(b"gwa_dead"), anonymous=True) is COLD


@pytest.mark.parametrize("credentials", [("bearer",), ("access_token", "bearer"), ("cookie",)])
def test_whether_url_tokens_are_read(make, credentials):
    assert make(*credentials).takes_url_tokens == ("access_token" in credentials)


async def test_in_an_outage_a_route_accepts_what_was_verified_unless_proof_is_wanted(make, tokens):
    tokens.away = True
    tokens.last_known[b"cold"] = tokens.cold[b"cold"]

    assert await make().identify_cold(bearer(b"cold")) is tokens.cold[b"cold"]
    with pytest.raises(StoreUnavailable):
        await make().identify_cold(bearer(b"cold"), in_outage=False)
    with pytest.raises(StoreUnavailable):
        await make().identify_cold(bearer(b"unknown"))
