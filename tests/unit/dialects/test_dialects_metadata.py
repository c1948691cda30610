"""What clients discover about an oauth2 login."""

import json

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from fakes.token_rig import call

from gateway.dialects.metadata import JWKS_PATH, jwks_endpoint, metadata, metadata_path

GRANTS = ("password", "client_credentials", "refresh_token")


def test_the_metadata_names_every_endpoint():
    assert metadata("https://gate.example/oauth2", GRANTS, ["rest-api"]) == {
        "issuer": "https://gate.example/oauth2",
        "token_endpoint": "https://gate.example/oauth2/token",
        "jwks_uri": "https://gate.example/oauth2/jwks",
        "revocation_endpoint": "https://gate.example/oauth2/revoke",
        "introspection_endpoint": "https://gate.example/oauth2/introspect",
        "grant_types_supported": ["password", "client_credentials", "refresh_token"],
        "response_types_supported": ["none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["rest-api"],
    }


def test_scopes_are_left_out_where_none_are_known():
    assert "scopes_supported" not in metadata("https://gate.example/oauth2", GRANTS, [])


def test_authlib_finds_the_metadata_valid():
    AuthorizationServerMetadata(metadata("https://gate.example/oauth2", GRANTS, ["rest-api"])).validate()


@pytest.mark.parametrize(
    ("login", "path"),
    [
        ("/oauth2", "/.well-known/oauth-authorization-server/oauth2"),
        ("/erp/oauth2", "/.well-known/oauth-authorization-server/erp/oauth2"),
        ("/", "/.well-known/oauth-authorization-server"),
    ],
)
def test_the_well_known_part_stands_before_the_issuer_s_path(login, path):
    assert metadata_path(login) == path


async def test_the_gateway_s_own_keys_have_a_place_too():
    reply = await jwks_endpoint({"keys": []})(call("GET", JWKS_PATH))

    assert (reply.status, json.loads(reply.body)) == (200, {"keys": []})
