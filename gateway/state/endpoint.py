"""Where a Redis or Valkey is, and how a connection to it is opened: by TCP, TLS or a Unix socket, and as whom."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gateway.config.secret import Secret
from gateway.state.link import Command, Link, Refusal

_NAME: Final = "erp-auth-gateway"
"""What CLIENT LIST calls our connections."""
_NO_HELLO: Final = frozenset({"ERR", "NOPROTO", "NOPERM"})
"""How old servers, proxies and narrow users refuse HELLO; anything else is about the password."""


class Tls:
    """The client side of TLS: the authority is checked, and the name. One context for all connections."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Made when first needed. Raises OSError if the file of authorities cannot be read."""
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._ca_file)
        return self._context

    def forget(self) -> None:
        """A handshake failed: read the file again before the next, since it may have been replaced."""
        self._context = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address, and who we are there. `path` is a Unix socket's; else `host` and `port` count."""

    host: str = ""
    port: int = 6379
    path: str = ""
    database: int = 0
    username: str = ""
    password: Secret = field(default_factory=Secret)
    tls: Tls | None = None
    timeout: float = 0.5
    """Seconds to connect and be greeted, and then the patience of the link."""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"

    def at(self, host: str, port: int) -> "Endpoint":
        """The same, elsewhere."""
        return replace(self, host=host, port=port)

    async def open(self, on_push: Callable[[Any], None] = lambda _push: None) -> Link:
        """Connect and log in. Raises OSError: TimeoutError if it takes too long, PermissionError if we are refused."""
        try:
            async with asyncio.timeout(self.timeout):
                link = await self._connect(on_push)
                try:
                    await self._greet(link)
                except BaseException:
                    link.abort()
                    raise
        except TimeoutError:
            raise TimeoutError(f"{self} did not open within {self.timeout:g} s") from None
        except ssl.SSLError:
            if self.tls is not None:
                self.tls.forget()
            raise
        return link

    async def _connect(self, on_push: Callable[[Any], None]) -> Link:
        loop = asyncio.get_running_loop()
        link = Link(loop, patience=self.timeout, on_push=on_push)
        if self.path:
            await loop.create_unix_connection(lambda: link, self.path)
        else:
            context = None if self.tls is None else self.tls.context()
            await loop.create_connection(lambda: link, self.host, self.port, ssl=context)
        return link

    async def _greet(self, link: Link) -> None:
        """Log in, in one round trip where RESP3 is spoken."""
        password = self.password.reveal()
        login: Command = (self.username or "default", password)
        select: list[Command] = [("SELECT", self.database)] if self.database else []
        hello: Command = ("HELLO", 3, *(("AUTH", *login) if password else ()), "SETNAME", _NAME)
        greeting, *selected = await link.send([hello, *select])
        if isinstance(greeting, dict):
            link.greeting = greeting
        elif isinstance(greeting, Refusal) and greeting.code not in _NO_HELLO:
            raise PermissionError(f"{self} refuses our user: {greeting.code}")
        else:  # its words may repeat the command with the password in it, so they are not passed on
            auth: list[Command] = [("AUTH", *(login if self.username else login[1:]))] if password else []
            selected = await link.send([*auth, *select]) if auth or select else []
        for answer in selected:
            if isinstance(answer, Refusal):
                raise PermissionError(f"{self} refuses our user or database: {answer.code}")
