"""Builds what keeps ERP sessions, and the injectors that put them on requests."""

from collections.abc import Mapping
from typing import Final, cast

from gateway.assembly.shared import Shared
from gateway.broker.erp_seal import ErpSeal
from gateway.broker.erp_sessions import ErpSessions
from gateway.config.document import Loaded
from gateway.identity_providers.contract import ErpAccounts
from gateway.model import ErpProvider, PasswordVerifier
from gateway.upstream.injectors import INJECTORS, Injector, InjectorTools
from gateway.upstream.injectors.erp_session import ErpSessionInjector
from gateway.upstream.upstream import Upstream

_KEY_BYTES: Final = 32


class Erp:
    """All ERP sessions of one configuration, and whose they are."""

    def __init__(self, loaded: Loaded, shared: Shared, providers: Mapping[str, PasswordVerifier]) -> None:
        self.providers = {
            name: cast("ErpProvider", provider)
            for name, provider in providers.items()
            if isinstance(provider, ErpAccounts)
        }
        self._loaded = loaded
        self._known = set(providers)
        self._clock = shared.clock
        secret = loaded.config.store.encryption_key.reveal()
        if not secret and self.providers and shared.made_secret is not None:
            secret = shared.made_secret("encryption.key", _KEY_BYTES)
        self.sessions = ErpSessions(shared.store, ErpSeal(secret), self.providers, shared.clock)
        if self.providers:
            shared.feed.listen(self.sessions.invalidate)

    def injectors(self, upstreams: Mapping[str, Upstream]) -> dict[str, Injector]:
        """By upstream. What is wrong with their options is reported."""
        built: dict[str, Injector] = {}
        faulty = self._loaded.config.identity_providers.keys() - self._known  # reported where they stand
        for name, upstream in self._loaded.config.upstreams.items():
            injector_class = INJECTORS[upstream.injector.type]
            at = ("upstreams", name, "injector", upstream.injector.type)
            options = self._loaded.bind(injector_class.Options, upstream.injector.options, at)
            if options is None or getattr(options, "identity_provider", None) in faulty:
                continue
            try:
                made = injector_class(options, InjectorTools(name, self._clock, self.providers, self.sessions))
            except ValueError as error:
                self._loaded.report(at, str(error))
                continue
            built[name] = made
            if isinstance(made, ErpSessionInjector):
                upstreams[name].erp = made
        return built
