"""When a session cookie is a credential, for whom it counts, and what it may not do."""

import pytest
from fakes.clock import Clock
from fakes.presented import Presented, StillTokens, verified

from gateway.authn.api_keys import ApiKeys
from gateway.authn.authenticator import COLD, FOREIGN, NOBODY, Authenticator
from gateway.authn.session_cookies import CookieLogin, CookieUse, OwnCookies, refuse_other_sites
from gateway.errors import CredentialsMissing, Forbidden, Reason, StoreUnavailable
from gateway.model import CookieRule

WEEK = 604_800
END = 2e9
"""When the tokens of the fake end."""


class Slides:
    """Lets sessions live on as it is told."""

    def __init__(self):
        self.asked = []
        self.until = 0.0
        self.away = False

    async def __call__(self, verified):
        self.asked.append(verified.session_id)
        if self.away:
            raise StoreUnavailable("the store is away")
        verified.expires_at = max(verified.expires_at, self.until)
        return verified.expires_at


@pytest.fixture
def slides():
    return Slides()


@pytest.fixture
def tokens():
    warm = {b"gwa_warm": verified(login="odoo"), b"gwa_native": verified("bob", login="native")}
    known = StillTokens(warm, {b"gwa_cold": verified("eve", login="odoo"), b"gwa_far": verified("bob")})
    known.now = END - WEEK
    return known


@pytest.fixture
def make(tokens, slides):
    own = OwnCookies([b"session_id"], tokens.is_ours)

    def make(*credentials, logins=None, foreign=False, origins=()):
        return Authenticator(
            route="web",
            credentials=credentials or ("bearer", "cookie"),
            logins=logins,
            tokens=tokens,
            verifier=tokens,
            keys=ApiKeys([], Clock()),
            passes_foreign=foreign,
            cookies=CookieUse((CookieLogin("odoo", CookieRule("session_id", WEEK), slides),), own, frozenset(origins)),
        )

    return make


def cookie(value, **more):
    return Presented(cookie=b"a=1; session_id=" + value, **more)


def test_a_warm_cookie_is_known_at_once_and_the_identity_says_how(make):
    found = make().identify(cookie(b"gwa_warm"), anonymous=False)

    assert (found.identity.user, found.identity.method) == ("ada", "cookie")
    assert make().identify(cookie(b"gwa_warm"), anonymous=False) is found


async def test_a_cold_one_is_looked_up(make):
    request = cookie(b"gwa_cold")

    assert make().identify(request, anonymous=False) is COLD
    found = await make().identify_cold(request)
    assert (found.identity.user, found.identity.method) == ("eve", "cookie")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bearer_beside_it_counts_alone(make, method):
    request = cookie(b"gwa_warm", authorization=b"Bearer gwa_native", method=method, fetch_site=b"cross-site")

    assert make().identify(request, anonymous=False).identity.user == "bob"


@pytest.mark.parametrize(
    ("credentials", "logins"), [(("bearer",), None), (("bearer", "cookie"), ["native"])], ids=["credentials", "logins"]
)
@pytest.mark.parametrize("value", [b"gwa_warm", b"gwa_cold"])
def test_it_counts_only_where_the_route_and_its_logins_say_so(make, credentials, logins, value):
    authenticator = make(*credentials, logins=logins)

    assert authenticator.identify(cookie(value), anonymous=True) is NOBODY
    with pytest.raises(CredentialsMissing):
        authenticator.identify(cookie(value), anonymous=False)


NO_CREDENTIAL = [b"theirs", b"", b"gwa_dead", b"gwa_native", b"gwa_far", b"gwa_warm; session_id=gwa_cold"]


@pytest.mark.parametrize("value", NO_CREDENTIAL)
async def test_a_cookie_that_is_no_live_one_of_a_login_is_no_credential_at_all(make, value):
    async def ask(*, anonymous):
        request = cookie(value)
        found = make().identify(request, anonymous=anonymous)
        return await make().identify_cold(request, anonymous=anonymous) if found is COLD else found

    assert await ask(anonymous=True) is NOBODY
    with pytest.raises(CredentialsMissing) as missing:
        await ask(anonymous=False)
    assert missing.value.reason is Reason.ABSENT
    assert type(missing.value) is CredentialsMissing


async def test_a_store_that_is_away_is_no_missing_credential(make, tokens):
    tokens.away = True

    with pytest.raises(StoreUnavailable):
        await make().identify_cold(cookie(b"gwa_cold"), anonymous=True)


@pytest.mark.parametrize(("value", "left"), [(b"theirs", b"a=1; session_id=theirs"), (b"gwa_dead", b"a=1")])
async def test_where_foreign_credentials_pass_a_foreign_cookie_does_and_a_dead_one_of_ours_does_not(make, value, left):
    request = cookie(value)
    authenticator = make(foreign=True)

    found = authenticator.identify(request, anonymous=False)
    if found is COLD:
        found = await authenticator.identify_cold(request)

    assert found is FOREIGN
    assert request.cookie == left


def test_a_public_route_takes_ours_away(make):
    request = Presented(cookie=b"session_id=gwa_warm")

    assert make().foreign(request) is FOREIGN
    assert request.cookie is None


def test_the_use_of_a_session_is_written_after_a_hundredth_of_its_life(make, tokens):
    tokens.now = END - 0.991 * WEEK
    assert make().identify(cookie(b"gwa_warm"), anonymous=False) is not COLD

    tokens.now = END - 0.989 * WEEK
    assert make().identify(cookie(b"gwa_warm"), anonymous=False) is COLD


async def test_what_was_written_hands_the_cookie_out_again(make, tokens, slides):
    request = cookie(b"gwa_warm")
    tokens.now = END - 100
    slides.until = tokens.now + WEEK
    found = await make().identify_cold(request)

    await make().slide(request, found)

    assert slides.asked == ["session of ada"]
    assert request.set_cookie == (
        b"session_id=gwa_warm; Expires=Wed, 25 May 2033 03:31:40 GMT; Max-Age=604800; HttpOnly; Path=/"
    )
    assert make().identify(cookie(b"gwa_warm"), anonymous=False) is found, "warm again"


async def test_near_the_end_of_a_session_that_cannot_be_moved_it_is_asked_about_once_a_hundredth(make, tokens, slides):
    tokens.now = END - 10_000
    authenticator = make()
    assert authenticator.identify(cookie(b"gwa_warm"), anonymous=False) is COLD

    await authenticator.slide(cookie(b"gwa_warm"), await authenticator.identify_cold(cookie(b"gwa_warm")))

    assert authenticator.identify(cookie(b"gwa_warm"), anonymous=False) is not COLD
    tokens.now += WEEK / 100
    assert authenticator.identify(cookie(b"gwa_warm"), anonymous=False) is COLD


@pytest.mark.parametrize("away", [False, True])
async def test_where_nothing_was_written_no_cookie_goes_out(make, slides, away):
    """Another worker has written it; or the store has gone away since it said that the session lives."""
    slides.away = away
    request = cookie(b"gwa_cold")

    await make().slide(request, await make().identify_cold(request))

    assert request.set_cookie is None


async def test_the_cookie_goes_out_also_where_nothing_is_remembered(make, tokens, slides):
    """The invalidation feed may have been lost since the session was looked up."""
    request = cookie(b"gwa_cold")
    slides.until = END + 60

    await make().slide(request, await make().identify_cold(request))

    assert request.set_cookie.startswith(b"session_id=gwa_cold; ")
    assert b"gwa_cold" not in tokens.warm


async def test_a_token_of_another_login_does_not_slide(make, tokens, slides):
    await make().slide(cookie(b"gwa_warm"), tokens.warm[b"gwa_native"])
    await make().slide(Presented(), tokens.warm[b"gwa_warm"])

    assert slides.asked == []


def browser(site=None, origin=None, method="POST", **more):
    return Presented(method=method, fetch_site=site, origin=origin, **more)


@pytest.mark.parametrize(
    "request_",
    [
        browser(method="GET", site=b"cross-site"),
        browser(method="HEAD", site=b"cross-site", origin=b"https://evil.example"),
        browser(method="OPTIONS", site=b"cross-site"),
        browser(site=b"same-origin"),
        browser(site=b"none"),
        browser(site=b"same-origin", origin=b"null"),
        browser(origin=b"https://gate.example"),
        browser(site=b"cross-site", origin=b"https://shop.example"),
        browser(site=b"same-site", origin=b"https://shop.example"),
        browser(),
        browser(method="GET", has_body=True),
        browser(method="GET", upgrade=b"websocket"),
        browser(method="GET", upgrade=b"websocket", origin=b"https://gate.example"),
    ],
)
def test_what_changes_something_comes_from_our_own_pages_or_from_no_browser(request_):
    refuse_other_sites(request_, frozenset({b"https://shop.example"}))


@pytest.mark.parametrize(
    "request_",
    [
        browser(site=b"cross-site"),
        browser(site=b"same-site"),
        browser(site=b""),
        browser(site=b"Same-Origin"),
        browser(site=b"cross-site", origin=b"https://evil.example"),
        browser(origin=b"https://evil.example"),
        browser(origin=b"null"),
        browser(origin=b""),
        browser(origin=b"http://gate.example"),
        browser(origin=b"https://gate.example:8443"),
        browser(origin=b"https://gate.example.evil.example"),
        browser(method="DELETE", origin=b"https://evil.example"),
        browser(method="PURGE", origin=b"https://evil.example"),
        browser(method="GET", has_body=True, site=b"cross-site"),
        browser(method="GET", upgrade=b"websocket", site=b"cross-site", origin=b"https://evil.example"),
        browser(method="GET", upgrade=b"websocket", origin=b"https://evil.example"),
    ],
)
def test_what_another_site_may_have_made_is_refused(request_):
    with pytest.raises(Forbidden):
        refuse_other_sites(request_, frozenset({b"https://shop.example"}))


@pytest.mark.parametrize("value", [b"gwa_warm", b"gwa_cold"])
async def test_a_live_cookie_is_guarded_warm_and_cold(make, value):
    forged = cookie(value, method="POST", origin=b"https://evil.example")

    async def ask(authenticator):
        found = authenticator.identify(forged, anonymous=True)
        return await authenticator.identify_cold(forged, anonymous=True) if found is COLD else found

    with pytest.raises(Forbidden):
        await ask(make())
    assert (await ask(make(origins=[b"https://evil.example"]))).identity.method == "cookie"


def test_what_is_ours_is_cut_under_every_name():
    own = OwnCookies([b"session_id", b"sid"], lambda value: value.startswith(b"gwa_"))

    assert own.cut(b"session_id=gwa_1; a=1; sid=gwa_2; sid=theirs") == b"a=1; sid=theirs"
    assert own.cut(b"session_id=gwa_1; sid=gwa_2") is None
    assert own.cut(b"a=gwa_1") == b"a=gwa_1"
