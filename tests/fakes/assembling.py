"""Assembles a configuration without a store that answers: what is built needs none until it is used."""

from fakes.clock import Clock
from fakes.token_rig import HandFeed

from gateway.assembly import Shared, assemble
from gateway.assembly.shared import WeakFeed
from gateway.config.load import load
from gateway.identity_providers.passwords import PasswordChecks
from gateway.observe.metrics import Metrics
from gateway.state.connect import open_store

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
BASE = {
    "identity_providers": f'{{staff: {{type: users, users: [{{username: ada, id: 1, password_hash: "{HASH}", roles: [sales]}}]}}}}',
    "logins": "{native: {dialect: native, path: /auth, identity_provider: staff}}",
    "upstreams": '{erp: {servers: ["http://10.0.0.1:8069"]}}',
    "routes": "[{name: all, path: /**, upstream: erp}]",
}


class Assembler:
    """`assembler(routes="[…]")` builds BASE with some sections replaced."""

    def __init__(self, directory):
        self.directory = directory
        self.clock = Clock()
        self.feed = HandFeed()
        self.audited = []
        self.made = {}
        self.checks = PasswordChecks()

    def load(self, **sections):
        text = "".join(f"{name}: {value}\n" for name, value in {**BASE, **sections}.items() if value)
        (self.directory / "config.yaml").write_text(text)
        return load(self.directory / "config.yaml", {})

    def shared(self, loaded):
        store = open_store(loaded.config.store, url=f"unix://{self.directory}/no.sock", clock=self.clock)
        return Shared(
            store=store,
            feed=WeakFeed(self.feed),
            checks=self.checks,
            metrics=Metrics(),
            audit=lambda event, **fields: self.audited.append((event, fields)),
            clock=self.clock,
            made_secret=self._made_secret,
        )

    def __call__(self, earlier=None, **sections):
        loaded = self.load(**sections)
        return self.assemble(loaded, self.shared(loaded), earlier)

    def assemble(self, loaded, shared, earlier=None):
        return assemble(loaded, shared, earlier)

    def _made_secret(self, name, nbytes):
        return self.made.setdefault(name, f"{name}:" + "s" * nbytes)
