"""Injector: the ERP's own session of the user, which the identity provider got at login; never another upstream's."""

from collections.abc import Mapping

from gateway.config.secret import Secret
from gateway.config.section import Section
from gateway.config.values import Line, Name
from gateway.errors import Forbidden, NoErpSession
from gateway.model import ErpProvider, ErpSession, Identity
from gateway.upstream.erp_credential import Credential
from gateway.upstream.injectors.base import InjectorTools
from gateway.upstream.service_account import ServiceAccount


class ServiceAccountOptions(Section):
    """Who API keys and OAuth2 clients are to the ERP."""

    username: Line
    password: Secret


class ErpSessionOptions(Section):
    """Whose sessions are injected."""

    identity_provider: Name
    service_account: ServiceAccountOptions | None = None


class ErpSessionInjector:
    """Cookie, Bearer or whatever else the provider's ERP wants. Credentials change, so they are asked for each time.

    An identity of another provider is refused: what one ERP said of a name is no reason for another one to believe it.
    """

    Options = ErpSessionOptions

    def __init__(self, options: ErpSessionOptions, tools: InjectorTools) -> None:
        """Raises ValueError where the provider is of another upstream, or signs in to no ERP."""
        provider = tools.erp_providers.get(options.identity_provider)
        if provider is None:
            raise ValueError(f'the identity provider "{options.identity_provider}" signs in to no ERP')
        if provider.upstream != tools.upstream:
            raise ValueError(f'the sessions of "{provider.name}" belong to the upstream "{provider.upstream}"')
        self.provider: ErpProvider = provider
        self.owns = frozenset(name.encode() for name in provider.headers)
        self.owns_cookies = frozenset(name.encode() for name in provider.cookies)
        self._sessions = tools.erp_sessions
        declared = options.service_account
        self.service: ServiceAccount | None = (
            ServiceAccount(provider, declared.username, declared.password.reveal(), tools.clock) if declared else None
        )

    def headers_for(self, identity: Identity) -> bytes | None:  # noqa: ARG002 - the seam's signature
        """Nothing that could be kept with the token: see `ready`."""
        return b""

    def ready(self, identity: Identity) -> Credential | None:
        """The credential, without suspending; None if it must be fetched. Raises Forbidden."""
        service = self._service_for(identity)
        held = service.held() if service is not None else self._sessions.held(identity.session_id)
        return held if held is not None and held.is_fresh else None

    async def fetch(self, identity: Identity) -> Credential:
        """The credential, read, renewed or signed in for. Raises Forbidden, CredentialsRejected, Unavailable."""
        service = self._service_for(identity)
        if service is not None:
            return await service.get()
        try:
            return await self._sessions.get(identity.session_id)
        except NoErpSession:  # a token without an end, which outlives every session of an ERP
            if self.service is None:
                raise
            return await self.service.get()

    async def renew(self, identity: Identity, used: Credential) -> Credential:
        """Another credential than `used`, of which the ERP says that it has ended. Raises as `fetch`."""
        service = self._service_for(identity)
        if service is None and self.service is not None and self.service.held() is used:
            service = self.service
        return await (service.renew(used) if service is not None else self._sessions.renew(identity.session_id, used))

    def adopt(self, identity: Identity, used: Credential, cookies: Mapping[str, str]) -> None:
        """An answer to a request with `used` sets a cookie: it belongs to the ERP session, not to the client."""
        if self.service is not None and self.service.held() is used:
            kept = {**dict(used.erp.cookies), **cookies}
            erp = used.erp
            self.service.adopt(used, ErpSession(erp.headers, tuple(kept.items()), erp.renew_at, erp.secrets, erp.facts))
        elif identity.session_id:
            self._sessions.adopt(identity.session_id, used, cookies)

    def _service_for(self, identity: Identity) -> ServiceAccount | None:
        """The service account, for who has no session of their own; None: use the user's. Raises Forbidden."""
        if identity.key_id or identity.provider.startswith("@"):
            if self.service is None:
                raise Forbidden("an API key or OAuth2 client, and the upstream has no service account")
            return self.service
        if identity.provider != self.provider.name:
            raise Forbidden(f"a user of {identity.provider}; this upstream knows those of {self.provider.name}")
        return None
