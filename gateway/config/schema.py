"""The root of the configuration: config.yaml as frozen models; attribute names are the keys of the file."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from gateway.config.credentials import ApiKeyConfig, ClientConfig, SigningKey
from gateway.config.identities import IdentityProviderConfig
from gateway.config.logins import LoginConfig
from gateway.config.routes import RouteConfig
from gateway.config.section import Section
from gateway.config.server import AdminConfig, LogsConfig, ServerConfig
from gateway.config.store import StoreConfig
from gateway.config.upstreams import UpstreamConfig
from gateway.config.values import Name, some


class Config(Section):
    """The whole file. Durations are seconds, sizes bytes, file names as written (relative to the file)."""

    server: ServerConfig = ServerConfig()
    admin: AdminConfig = AdminConfig()
    logs: LogsConfig = LogsConfig()
    store: StoreConfig = StoreConfig()
    signing_keys: tuple[SigningKey, ...] = ()
    identity_providers: dict[Name, IdentityProviderConfig] = Field(default_factory=dict)
    clients: tuple[ClientConfig, ...] = ()
    api_keys: tuple[ApiKeyConfig, ...] = ()
    logins: dict[Name, LoginConfig] = Field(default_factory=dict)
    upstreams: Annotated[dict[Name, UpstreamConfig], AfterValidator(some)]
    routes: Annotated[tuple[RouteConfig, ...], AfterValidator(some)]

    @model_validator(mode="before")
    @classmethod
    def _name_routes(cls, data: Any) -> Any:
        routes = data.get("routes") if isinstance(data, dict) else None
        if not isinstance(routes, list):
            return data
        named = [_named(route, index) for index, route in enumerate(routes)]
        return data | {"routes": named}


def _named(route: Any, index: int) -> Any:
    return {"name": default_route_name(index)} | route if isinstance(route, dict) else route


def default_route_name(index: int) -> str:
    """What a route without a name is called in messages, metrics and logs."""
    return f"route-{index}"
