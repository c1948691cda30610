"""What holds for every dialect in the registry: bytes out, no failure unspelled, nothing of the client's reflected."""

from itertools import product

import pytest
from fakes.still_broker import StillBroker
from fakes.token_rig import call, still
from hypothesis import given
from hypothesis import strategies as st

from gateway import errors
from gateway.dialects import DIALECTS
from gateway.errors import CredentialsMissing, CredentialsRejected, GatewayError, Reason
from gateway.model import CookieRule, CredentialReading, Reply


def made(name, broker=None):
    return still(DIALECTS[name], f"/{name}", broker or StillBroker())


def family(parent):
    yield parent
    for child in parent.__subclasses__():
        yield from family(child)


FAILURES = sorted(
    {each for each in family(GatewayError) if each.__module__.startswith(errors.__name__)},
    key=lambda each: each.__name__,
)
ENDPOINTS = [(name, *key) for name in DIALECTS for key in made(name).endpoints()]
each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_endpoint = pytest.mark.parametrize(("name", "method", "suffix"), ENDPOINTS)


LOGINS = [
    ("application/json", b'{"username":"ada","password":"right"}'),
    ("application/json", b'{"userName":"ada","password":"right"}'),
    ("application/json", b'{"jsonrpc":"2.0","params":{"db":"prod","login":"ada","password":"right"}}'),
    (
        "application/x-www-form-urlencoded",
        b"grant_type=password&username=ada&password=right&client_id=portal&client_secret=right",
    ),
]
"""A login in every shape there is; a dialect knows one of them."""


@each_dialect
def test_a_dialect_has_endpoints_below_its_path_and_well_known_ones_above(name):
    dialect = made(name)

    assert all(suffix.startswith("/") and method.isupper() for method, suffix in dialect.endpoints())
    assert all(path.startswith("/.well-known/") for _, path in dialect.well_known())


@each_dialect
def test_a_dialect_has_a_policy_of_its_own(name):
    policy = DIALECTS[name].policy("https://gate.example/x", "https://gate.example", DIALECTS[name].Options())

    assert (policy.issuer, policy.audience) == ("https://gate.example/x", "https://gate.example")
    assert 0 < policy.access_ttl <= (policy.refresh_ttl or policy.access_ttl) <= policy.absolute_ttl


@each_dialect
@pytest.mark.parametrize("kind", FAILURES, ids=lambda each: each.__name__)
def test_every_failure_is_spelled_without_the_log_s_detail(name, kind):
    reply = made(name).refuse(kind("SECRET detail"), None, "req-1")

    assert isinstance(reply, Reply)
    assert reply.status >= 200
    if kind is not errors.MalformedBody:
        assert b"SECRET" not in reply.body
    assert all(b"SECRET" not in value for _, value in reply.headers)


@each_dialect
def test_a_dialect_says_how_its_routes_are_read(name):
    dialect = made(name)

    assert isinstance(dialect.reading, CredentialReading)
    assert dialect.cookie is None or isinstance(dialect.cookie, CookieRule)


@each_dialect
@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
def test_a_refused_credential_is_spelled_for_every_reason(name, reason):
    dialect = made(name)
    missing = dialect.refuse(CredentialsMissing("SECRET detail", reason=reason), None, "req-1")
    rejected = dialect.refuse(CredentialsRejected("SECRET detail", reason=reason, presented="PRESENTED"), None, "req-1")

    for reply in (missing, rejected):
        assert reply.status < 500
        assert b"SECRET" not in reply.body
    if not dialect.reading.tells_token:
        assert b"PRESENTED" not in rejected.body + b"".join(value for _, value in rejected.headers)


@each_dialect
@given(body=st.binary(max_size=200))
def test_a_refusal_is_spelled_whatever_body_was_refused(name, body):
    for sent in (body, b"{" + body, b'{"id":' + body + b"}", b"[" * 100_000):
        reply = made(name).refuse(CredentialsMissing("no credential"), sent, "req-1")
        assert reply.status < 500
        assert not any(b"\n" in part or b"\r" in part for pair in reply.headers for part in pair)


@each_endpoint
async def test_a_store_that_is_away_is_never_bad_credentials(name, method, suffix):
    broker = StillBroker()
    broker.away = True
    handler = made(name, broker).endpoints()[method, suffix]

    for headers in (
        {"content_type": "application/json", "authorization": "Bearer ACCESS"},
        {"content_type": "application/x-www-form-urlencoded"},
    ):
        for body in (
            b'{"username":"ada","password":"right","refresh_token":"REFRESH"}',
            b"client_id=a&client_secret=b",
        ):
            reply = await handler(call(method, f"/{name}{suffix}", body, **headers))
            if broker.asked:
                assert reply.status == 503
                assert (b"Retry-After", b"1") in reply.headers
            broker.asked.clear()


class Banning(StillBroker):
    """A broker that looks at no password and no secret any more."""

    def _ask(self, what, *more):
        super()._ask(what, *more)
        if what in {"login", "verify_password", "authenticate_client"}:
            raise errors.Banned(retry_after=540)


@each_dialect
async def test_a_ban_says_when_to_come_back(name):
    """In whatever status and body the dialect's clients expect."""
    asked = 0
    for (method, suffix), handler in made(name, broker := Banning()).endpoints().items():
        for (kind, body), client in product(LOGINS, ({}, {"authorization": "Basic cG9ydGFsOnJpZ2h0"})):
            broker.asked.clear()
            reply = await handler(call(method, f"/{name}{suffix}", body, content_type=kind, **client))
            if broker.asked and broker.asked[-1][0] in {"login", "verify_password", "authenticate_client"}:
                asked += 1
                assert (b"Retry-After", b"540") in reply.headers

    assert asked


@each_endpoint
@given(body=st.binary(max_size=80), header=st.text(st.characters(max_codepoint=255), max_size=40))
async def test_whatever_is_sent_is_answered(name, method, suffix, body, header):
    handler = made(name).endpoints()[method, suffix]

    for content_type in ("application/json", "application/x-www-form-urlencoded", header):
        reply = await handler(call(method, f"/{name}{suffix}", body, content_type=content_type, authorization=header))
        assert reply.status < 500
        assert not any(b"\n" in part or b"\r" in part for pair in reply.headers for part in pair)


@each_endpoint
@pytest.mark.parametrize(
    "body",
    [b"MARK", b'{"MARK":1,"MARK":2}', b'{"username":["MARK"]}', b"MARK=1&MARK=2", b"grant_type=MARK", b"x=%MARK"],
)
async def test_a_refusal_reflects_nothing_of_what_was_sent(name, method, suffix, body):
    handler = made(name).endpoints()[method, suffix]

    for content_type in ("application/json", "application/x-www-form-urlencoded", "MARK/MARK"):
        reply = await handler(
            call(
                method,
                f"/{name}{suffix}",
                body,
                "MARK=1",
                content_type=content_type,
                authorization="Basic TUFSSzpNQVJL",
            )
        )
        assert b"MARK" not in reply.body + b"".join(value for _, value in reply.headers)


@each_endpoint
async def test_what_a_login_answers_is_kept_by_no_cache(name, method, suffix):
    bodies = {"/login": b'{"username":"ada","password":"right"}', "/refresh": b'{"refresh_token":"REFRESH"}'}
    headers = {"content_type": "application/json", "authorization": "Bearer ACCESS"}

    reply = await made(name).endpoints()[method, suffix](
        call(method, f"/{name}{suffix}", bodies.get(suffix, b""), **headers)
    )

    if b"ACCESS" in reply.body or reply.status != 200:
        assert (b"Cache-Control", b"no-store") in reply.headers
