"""The fake ItemPath is what it plays: Flask-JWT-Extended takes its tokens, and both refuse in the same words."""

import jwt
import pytest
from fakes.flask_jwt import FlaskItemPath
from fakes.itempath import KEY, ItemPath
from fakes.plain_client import PlainClient

PASSWORD = "correct horse"


@pytest.fixture
def fake():
    erp = ItemPath()
    yield erp
    erp.stop()


@pytest.fixture
def flask():
    return FlaskItemPath(JWT_SECRET_KEY=KEY)


@pytest.fixture
def tokens(fake):
    body = {"username": "ada", "password": PASSWORD}
    return PlainClient(fake.port).post("/api/users/login", body).json


def told(fake, method, path, authorization):
    headers = [] if authorization is None else [("Authorization", authorization)]
    answer = PlainClient(fake.port).ask(method, path, headers, b"" if method == "POST" else None)
    return answer.status, answer.json


def said(flask, method, path, authorization):
    status, _, body = flask.ask(method, path, authorization)
    return status, flask.app.json.loads(body)


def test_its_access_token_opens_a_flask_jwt_extended_route(flask, tokens):
    assert said(flask, "GET", "/api/stations", f"Bearer {tokens['accessToken']}") == (200, {"identity": "ada"})


def test_its_refresh_token_is_refreshed_by_flask_jwt_extended_and_the_other_way_round(fake, flask, tokens):
    status, theirs = said(flask, "POST", "/api/users/refresh", f"Bearer {tokens['refreshToken']}")
    again, ours = told(fake, "POST", "/api/users/refresh", f"Bearer {flask.refresh(identity='ada')}")

    assert status == again == 200
    assert list(theirs) == list(ours) == ["accessToken"]
    assert told(fake, "GET", "/api/stations", f"Bearer {theirs['accessToken']}")[0] == 200


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_its_tokens_have_the_same_claims(flask, tokens, kind):
    theirs = jwt.decode(getattr(flask, kind)(identity="ada"), KEY, algorithms=["HS256"])
    ours = jwt.decode(tokens[f"{kind}Token"], KEY, algorithms=["HS256"])

    assert list(ours) == list(theirs)
    assert {ours[name] == theirs[name] for name in ("fresh", "type", "identity")} == {True}


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/stations"), ("POST", "/api/users/refresh")])
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic YTpi",
        "Bearer nonsense",
        "Bearer a.b.c",
        "Bearer {expired_access}",
        "Bearer {expired_refresh}",
        "Bearer {stranger}",
        "Bearer {wrong_kind}",
    ],
)
def test_it_refuses_as_flask_jwt_extended_does(fake, flask, method, path, authorization):
    if authorization is not None:
        authorization = authorization.format(
            expired_access=flask.access(-5),
            expired_refresh=flask.refresh(-5),
            stranger=FlaskItemPath().access(),
            wrong_kind=flask.refresh() if method == "GET" else flask.access(),
        )

    assert told(fake, method, path, authorization) == said(flask, method, path, authorization)
