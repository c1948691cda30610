"""Brings the token store up: the embedded one as a child of ours, or a client of the configured one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.config.document import Loaded
from gateway.model import Clock
from gateway.state.advice import StoreAdvice
from gateway.state.connect import open_store
from gateway.state.directory import secrets_in
from gateway.state.embedded import Embedded
from gateway.state.feed import Feed
from gateway.state.store import Store


@dataclass(slots=True)
class TokenState:
    """Store and feed, and the child that may serve them."""

    store: Store
    feed: Feed
    embedded: Embedded | None
    made_secret: Callable[[str, int], str] | None
    """Reads or makes a secret in the embedded store's directory; None with a Redis URL."""
    described: str
    """For start-up messages: where token state lives, without user or password."""

    async def stop(self) -> None:
        """Feed first, child last: nothing is written any more when it ends."""
        await self.feed.stop()
        await self.store.close()
        if self.embedded is not None:
            await self.embedded.stop()


async def start_state(loaded: Loaded, clock: Clock, running: str = "") -> TokenState:
    """Start what is configured. An unreachable Redis is no error here: the gateway is not ready until it answers.

    `running` is the URL of an embedded store that another process of this gateway has started, and will end.
    """
    config = loaded.config.store
    embedded, url, made = None, "", None
    described = config.url
    if config.is_embedded:
        directory = loaded.base / Path(config.url.removeprefix("embedded://"))
        made = secrets_in(directory).load_or_make
        described = f"embedded store in {directory}"
        url = running
        if not running:
            embedded = Embedded(directory)
            url = await embedded.start()
            described += f" ({embedded.binary})"
    store = open_store(config, url=url, base=loaded.base, clock=clock)
    feed = Feed(store)
    if not running and not config.is_embedded:
        StoreAdvice(store.calls).follow(feed)
    await feed.start()
    return TokenState(store, feed, embedded, made, described)
