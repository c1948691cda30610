"""requests-oauthlib and Authlib, unmodified, against the oauth2 login of a running gateway behind TLS."""

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from fakes.authority import write_certificates, write_private_key
from fakes.demo_upstream import DemoUpstream
from fakes.gateway_process import GatewayProcess, password_hash
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidGrantError, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

CLIENT, SECRET = "portal", "portal+secret/with:signs"
USER, PASSWORD = "clerk", "pässword of a clerk"
OTHER_SECRET = "another-secret"

CONFIG = """\
server:
  tls: {{certificate_file: cert.pem, private_key_file: key.pem}}
signing_keys:
  - {{kid: e1, algorithm: ES256, private_key_file: signing.pem}}
identity_providers:
  staff:
    type: users
    users:
      - {{username: {user}, id: 7, password_hash: "{password}", roles: [sales], scopes: [rest-api]}}
clients:
  - id: {client}
    secret_hash: "{secret}"
    grants: [client_credentials, password, refresh_token]
    roles: [sales]
    scopes: [rest-api]
  - {{id: other, secret_hash: "{other}", grants: [client_credentials], roles: [], scopes: [rest-api]}}
logins:
  oauth2: {{dialect: oauth2, path: /oauth2, identity_provider: staff}}
upstreams:
  demo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: whoami, path: /whoami, upstream: demo, require: {{roles: [sales], scopes: [rest-api]}}}}
"""


@pytest.fixture(scope="module")
def erp():
    erp = DemoUpstream().start()
    yield erp
    erp.stop()


@pytest.fixture(scope="module")
def gateway(erp, tmp_path_factory):
    directory = tmp_path_factory.mktemp("gateway")
    write_certificates(directory)
    write_private_key(directory / "signing.pem")
    config = CONFIG.format(
        user=USER,
        password=password_hash(PASSWORD),
        client=CLIENT,
        secret=password_hash(SECRET),
        other=password_hash(OTHER_SECRET),
        port=erp.port,
    )
    gateway = GatewayProcess(directory, config, scheme="https").start()
    yield gateway
    gateway.stop()


@pytest.fixture
def at(gateway):
    """Full addresses of the gateway by path."""
    return lambda path: gateway.url + path


def trusting(session, gateway):
    """Our authority and no other, whatever the environment of the tests says of proxies and certificates."""
    session.trust_env = False
    session.verify = str(gateway.directory / "ca.pem")
    return session


@pytest.fixture
def oauthlib_session(gateway):
    """For the password grant."""
    with trusting(OAuth2Session(client=LegacyApplicationClient(CLIENT)), gateway) as session:
        yield session


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def authlib_session(request, gateway):
    with trusting(AuthlibSession(CLIENT, SECRET, token_endpoint_auth_method=request.param), gateway) as session:
        yield session


def authlib(gateway, client=CLIENT, secret=SECRET, **options):
    return trusting(AuthlibSession(client, secret, **options), gateway)


def test_requests_oauthlib_logs_in_with_a_password_and_calls_the_erp(oauthlib_session, at):
    token = oauthlib_session.fetch_token(
        at("/oauth2/token"), username=USER, password=PASSWORD, client_secret=SECRET, scope=["rest-api"]
    )

    answer = oauthlib_session.get(at("/whoami"))

    assert (token["token_type"], token["expires_in"]) == ("Bearer", 900)
    identity = answer.json()["identity"]
    assert (identity["X-Auth-User"], identity["X-Auth-Roles"], identity["X-Auth-Login"]) == (USER, "sales", "oauth2")


@pytest.mark.parametrize("way", ["basic", "body"])
def test_requests_oauthlib_authenticates_its_client_either_way(oauthlib_session, at, way):
    options = (
        {"auth": HTTPBasicAuth(CLIENT, SECRET)}
        if way == "basic"
        else {"client_secret": SECRET, "include_client_id": True}
    )

    token = oauthlib_session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD, **options)

    assert token["access_token"]


def test_requests_oauthlib_gets_a_token_for_the_client_itself(gateway, at):
    with trusting(OAuth2Session(client=BackendApplicationClient(CLIENT)), gateway) as session:
        token = session.fetch_token(at("/oauth2/token"), auth=HTTPBasicAuth(CLIENT, SECRET))

        identity = session.get(at("/whoami")).json()["identity"]

    assert "refresh_token" not in token
    assert identity["X-Auth-User"] == CLIENT


def test_requests_oauthlib_refreshes_by_itself_when_its_token_has_run_out(gateway, oauthlib_session, at):
    first = oauthlib_session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD, client_secret=SECRET)
    kept = []
    with trusting(
        OAuth2Session(
            CLIENT,
            token={**first, "expires_at": 1, "expires_in": -1},
            auto_refresh_url=at("/oauth2/token"),
            auto_refresh_kwargs={"client_id": CLIENT, "client_secret": SECRET},
            token_updater=kept.append,
        ),
        gateway,
    ) as session:
        answer = session.get(at("/whoami"))

    assert answer.status_code == 200
    assert len(kept) == 1
    assert kept[0]["refresh_token"] != first["refresh_token"]
    assert kept[0]["access_token"] != first["access_token"]


def test_requests_oauthlib_tells_a_wrong_password_from_a_wrong_secret(oauthlib_session, at):
    with pytest.raises(InvalidGrantError):
        oauthlib_session.fetch_token(at("/oauth2/token"), username=USER, password="wrong", client_secret=SECRET)
    with pytest.raises(InvalidClientError):
        oauthlib_session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD, client_secret="wrong")


def test_authlib_lives_a_whole_life(authlib_session, at):
    first = authlib_session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD, scope="rest-api")
    assert authlib_session.get(at("/whoami")).status_code == 200

    second = authlib_session.refresh_token(at("/oauth2/token"), refresh_token=first["refresh_token"])
    assert second["access_token"] != first["access_token"]

    live = authlib_session.introspect_token(at("/oauth2/introspect"), token=second["access_token"]).json()
    assert (live["active"], live["username"], live["client_id"], live["scope"]) == (True, USER, CLIENT, "rest-api")
    assert live["iss"] == at("/oauth2")

    revoked = authlib_session.revoke_token(
        at("/oauth2/revoke"), token=second["refresh_token"], token_type_hint="refresh_token"
    )
    assert revoked.status_code == 200

    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        dead = authlib_session.introspect_token(at("/oauth2/introspect"), token=token)
        assert dead.json() == {"active": False}
    assert authlib_session.get(at("/whoami")).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        authlib_session.refresh_token(at("/oauth2/token"), refresh_token=second["refresh_token"])


def test_authlib_gets_a_token_for_the_client_itself_and_revokes_it_alone(authlib_session, at):
    first = authlib_session.fetch_token(at("/oauth2/token"), grant_type="client_credentials")
    authlib_session.fetch_token(at("/oauth2/token"), grant_type="client_credentials")

    authlib_session.revoke_token(at("/oauth2/revoke"), token=first["access_token"])

    dead = authlib_session.introspect_token(at("/oauth2/introspect"), token=first["access_token"]).json()
    assert dead == {"active": False}
    assert authlib_session.get(at("/whoami")).status_code == 200


def test_authlib_refreshes_by_itself_when_its_token_has_run_out(gateway, at):
    with authlib(gateway) as first_session:
        first = first_session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD)
    kept = []
    with authlib(
        gateway,
        token={**first, "expires_at": 1},
        token_endpoint=at("/oauth2/token"),
        update_token=lambda token, **_: kept.append(token),
    ) as session:
        answer = session.get(at("/whoami"))

    assert answer.status_code == 200
    assert [token["access_token"] != first["access_token"] for token in kept] == [True]


def test_a_client_neither_sees_nor_ends_the_tokens_of_another(gateway, at):
    with authlib(gateway) as owner, authlib(gateway, "other", OTHER_SECRET) as stranger:
        token = owner.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD)["access_token"]

        told = stranger.introspect_token(at("/oauth2/introspect"), token=token).json()
        stranger.revoke_token(at("/oauth2/revoke"), token=token)

        assert told == {"active": False}
        assert owner.get(at("/whoami")).status_code == 200


def test_authlib_finds_every_endpoint_by_the_metadata(gateway, at):
    with trusting(requests.Session(), gateway) as plain:
        described = plain.get(get_well_known_url(at("/oauth2"), external=True))
    metadata = AuthorizationServerMetadata(described.json())
    metadata.validate_issuer()
    metadata.validate_token_endpoint()
    metadata.validate_jwks_uri()
    metadata.validate_revocation_endpoint()
    metadata.validate_introspection_endpoint()
    metadata.validate_response_types_supported()
    metadata.validate_grant_types_supported()

    assert metadata["issuer"] == at("/oauth2")
    with authlib(gateway) as session:
        token = session.fetch_token(metadata["token_endpoint"], username=USER, password=PASSWORD)
        live = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"])
        gone = session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    assert live.json()["active"]
    assert gone.status_code == 200


def test_authlib_verifies_an_access_token_by_the_published_keys(gateway, at):
    """RFC 9068: what a resource server does that trusts the gateway's tokens itself."""

    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            with trusting(requests.Session(), gateway) as plain:
                return KeySet.import_key_set(plain.get(at("/oauth2/jwks")).json())

    with authlib(gateway) as session:
        token = session.fetch_token(at("/oauth2/token"), username=USER, password=PASSWORD)["access_token"]
        live = session.introspect_token(at("/oauth2/introspect"), token=token).json()
    validator = Validator(issuer=at("/oauth2"), resource_server=live["aud"])

    claims = validator.authenticate_token(token)

    validator.validate_token(claims, ["rest-api"], None, roles=["sales"])
    assert (claims["client_id"], claims["sub"], claims.header["alg"]) == (CLIENT, "7", "ES256")
    with pytest.raises(InvalidTokenError):
        validator.authenticate_token(token[:-4] + "AAAA")
