"""ItemPath's refusals, to the byte, and beside those of Flask-JWT-Extended."""

from base64 import urlsafe_b64encode

import pytest
from fakes.flask_jwt import FlaskItemPath
from hypothesis import given
from hypothesis import strategies as st

from gateway import errors
from gateway.dialects.itempath_refusals import answer, flaw, refused
from gateway.errors import CredentialsMissing, CredentialsRejected, Reason

HEADERS = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), (b"Pragma", b"no-cache"))
EXPECTED = b"Expected 'Authorization: Bearer <JWT>'"
SIGNED = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2ln"
FLASK = FlaskItemPath()


def of(reason, presented=""):
    return CredentialsRejected(reason=reason, presented=presented)


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (CredentialsMissing(reason=Reason.ABSENT), 401, b"Missing Authorization Header"),
        (CredentialsMissing(reason=Reason.MISSING_SCHEME), 401, b"Missing 'Bearer' type in 'Authorization' header. " + EXPECTED),
        (CredentialsMissing(reason=Reason.BAD_HEADER), 422, b"Bad Authorization header. " + EXPECTED),
        (of(Reason.BAD_HEADER, "a b"), 422, b"Bad Authorization header. " + EXPECTED),
        (of(Reason.MALFORMED, "garbage"), 422, b"Not enough segments"),
        (of(Reason.MALFORMED), 422, b"Not enough segments"),
        (of(Reason.BAD_SIGNATURE, SIGNED), 422, b"Signature verification failed"),
        (of(Reason.BAD_SIGNATURE), 422, b"Signature verification failed"),
        (of(Reason.OTHER_LOGIN, SIGNED), 422, b"Signature verification failed"),
        (of(Reason.EXPIRED), 401, b"Token has expired"),
        (of(Reason.REVOKED), 401, b"Token has been revoked"),
        (of(Reason.USER_GONE), 401, b"Token has been revoked"),
        (of(Reason.UNKNOWN), 401, b"Token has been revoked"),
        (of(Reason.UNKNOWN_KEY, "key"), 401, b"Missing Authorization Header"),
        (of(Reason.WRONG_KIND), 422, b"Only non-refresh tokens are allowed"),
        (errors.LoginRejected(), 404, b"Bad username or password"),
        (errors.AccountLocked(), 403, b"The account is locked."),
        (errors.SelectionNeeded(), 403, b"The account needs a choice or a second factor that this login cannot ask for."),
        (errors.Forbidden(), 403, b"The credential does not give access to this resource."),
        (errors.MalformedBody("The username is missing."), 400, b"The username is missing."),
    ],
)  # fmt: skip
def test_a_refusal_is_a_message_and_a_newline(error, status, body):
    reply = refused(error)

    assert (reply.status, reply.body) == (status, b'{"msg":"%b"}\n' % body)
    assert reply.headers == HEADERS


def test_where_a_refresh_token_is_wanted_an_access_token_is_the_wrong_one():
    assert refused(of(Reason.WRONG_KIND), wants_refresh=True).body == b'{"msg":"Only refresh tokens are allowed"}\n'


def test_a_token_without_an_identity_is_told_so():
    reply = refused(of(Reason.BAD_SIGNATURE, SIGNED), lacks_identity=True)

    assert (reply.status, reply.body) == (422, b'{"msg":"Missing claim: identity"}\n')


def test_a_ban_says_when_to_come_back_and_a_405_what_is_allowed():
    banned = refused(errors.Banned(retry_after=77))
    other_method = refused(errors.MethodNotAllowed(allow=("GET", "POST")))

    assert (banned.status, banned.headers[-1]) == (429, (b"Retry-After", b"77"))
    assert other_method.headers[-1] == (b"Allow", b"GET, POST")


def test_an_answer_is_written_as_flask_writes_it():
    with FLASK.app.app_context():
        theirs = FLASK.app.json.dumps({"a": ["Zoë", "\u2028", 1.5, None, "</b>"]}) + "\n"

    assert answer(200, {"a": ["Zoë", "\u2028", 1.5, None, "</b>"]}).body.decode() == theirs.replace(": ", ":").replace(
        ", ", ","
    )


def as_flask_says(token):
    return FLASK.ask("GET", "/api/stations", f"Bearer {token}")


def b64(text):
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


FLAWED = [
    "garbage",
    "a.b",
    "a.b.c",
    "a.b.c.d",
    "..",
    "e30..",
    "e30.e30.e30",
    ".e30.c2ln",
    SIGNED,
    SIGNED + ".c2ln",
    SIGNED + "=",
    SIGNED + "==",
    SIGNED + "===",
    SIGNED.replace("e30", "e3"),
    SIGNED.replace("e30", "e+/0"),
    SIGNED.replace("e30", "!!!!"),
    *(
        SIGNED.replace("e30", b64(payload))
        for payload in ("", "[]", "x", '{"identity":', '"x"', '{"exp":1}', '{"exp":"x"}')
    ),
    SIGNED[:-1] + "h",
    SIGNED[:-1],
    "é.e30.c2ln",
    *(
        f"{b64(header)}.e30.c2ln"
        for header in (
            "",
            "[]",
            "1",
            '"alg"',
            "{",
            "nonsense",
            '{"alg":',
            '{"alg":"none"}',
            '{"alg":"HS512"}',
            '{"alg":"RS256","typ":"JWT"}',
            '{"alg":null}',
            '{"alg":1}',
            '{"typ":"JWT"}',
            '{"alg":"HS256","kid":"x"}',
            "NaN",
            "\ufeff{}",
            "[" * 50,
        )
    ),
    f"{urlsafe_b64encode(bytes([159, 160, 255])).decode()}.e30.c2ln",
]


@pytest.mark.parametrize("token", FLAWED)
def test_flask_jwt_extended_says_the_same_of_a_token_that_is_not_ours(token):
    reply = refused(of(Reason.BAD_SIGNATURE, token))

    assert (reply.status, "application/json", reply.body) == as_flask_says(token)


@given(
    st.text("abcdeyJhbGciOiJIUzI1NiJ9.=-_+/", min_size=1, max_size=60).filter(
        lambda token: '"b64"' not in token and '"crit"' not in token
    )
)
def test_and_of_whatever_comes(token):
    reply = refused(of(Reason.MALFORMED, token))

    assert (reply.status, "application/json", reply.body) == as_flask_says(token)


@given(st.text())
def test_no_token_makes_the_refusal_fail(token):
    assert flaw(token)
