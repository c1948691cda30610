"""Builds everything from a configuration and throws it away: finds what only building can find."""

from pathlib import Path
from secrets import token_urlsafe
from time import time

from gateway.assembly.assemble import assemble
from gateway.assembly.shared import Shared, WeakFeed
from gateway.config.document import Loaded
from gateway.identity_providers.passwords import PasswordChecks
from gateway.observe.metrics import Metrics
from gateway.state.connect import open_store
from gateway.state.feed import Feed

_NOWHERE = "unix:///nonexistent/gateway-check.sock"


def rehearse(loaded: Loaded) -> None:
    """Assemble, so that patterns, keys, certificates and all options are read; warnings are added to `loaded`.

    Connects to nothing and writes nothing: secrets that the embedded store would make are made up and forgotten.
    Raises ConfigRefused.
    """
    config = loaded.config
    url = _NOWHERE if config.store.is_embedded else ""
    store = open_store(config.store, url=url, base=Path(loaded.base), clock=time)
    checks = PasswordChecks()
    try:
        shared = Shared(
            store=store,
            feed=WeakFeed(Feed(store)),
            checks=checks,
            metrics=Metrics(),
            audit=_silent,
            clock=time,
            made_secret=_made_up if config.store.is_embedded else None,
        )
        assemble(loaded, shared)
    finally:
        checks.close()


def _made_up(_: str, nbytes: int) -> str:
    return token_urlsafe(nbytes)


def _silent(event: str, /, **fields: object) -> None:
    """Nothing happens in a rehearsal that anyone has to know."""
