"""The calls that identity providers make to their ERP: no redirects, TLS verified, answers capped, failures apart."""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp

from gateway.errors import ErpDown, ErpNonsense, ErpSlow, UpstreamsDown
from gateway.model import ErpAnswer
from gateway.upstream.pool import Server
from gateway.upstream.upstream import Upstream

LARGEST_ANSWER: Final = 1024 * 1024
"""Bytes; a login's answer has a few thousand."""
_ENCODING: Final = "identity"
"""No compression: nothing of ours can be blown up by an answer (a zip bomb stays small on the wire)."""


class ErpConnections:
    """The one HTTP client that all calls of a process share; made when it is first needed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client, in the running loop. Raises ErpDown once it was closed: the process ends."""
        if self._closed:
            raise ErpDown("the gateway stops")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),  # one user's session must never travel with another's request
                auto_decompress=False,
                raise_for_status=False,
                headers={"User-Agent": "erp-auth-gateway", "Accept-Encoding": _ENCODING},
            )
        return self._session

    async def close(self) -> None:
        """Close all connections, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None


class UpstreamErpClient:
    """An ErpClient for one upstream; a server that refuses is passed over once."""

    def __init__(self, upstream: Upstream, connections: ErpConnections) -> None:
        self._upstream = upstream
        self._connections = connections

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        address: str = "",
        timeout: float,  # noqa: ASYNC109 - one deadline for connecting, sending and reading
    ) -> ErpAnswer:
        """The whole answer. Raises ErpDown, ErpSlow or ErpNonsense, each naming the server and never the request."""
        sent = {**(headers or {}), **({"X-Forwarded-For": address} if address else {})}
        server = self._choose()
        try:
            async with asyncio.timeout(timeout):
                try:
                    return await self._ask(server, method, path, body, sent)
                except aiohttp.ClientConnectorError:
                    server.failed()
                    if len(self._upstream.servers) == 1:
                        raise
                    server = self._choose(without=server)
                    return await self._ask(server, method, path, body, sent)
        except TimeoutError as late:
            raise ErpSlow(f"{server.endpoint.origin}: no answer to {path} within {timeout:g} s") from late
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL, ValueError) as error:
            raise ErpNonsense(f"{server.endpoint.origin}: {path}: not valid HTTP: {type(error).__name__}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ErpDown(f"{server.endpoint.origin}: {path}: {type(error).__name__}: {error}") from error

    def _choose(self, without: Server | None = None) -> Server:
        try:
            return self._upstream.choose(without=without)
        except UpstreamsDown as error:
            raise ErpDown(str(error)) from error

    async def _ask(self, server: Server, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> ErpAnswer:
        endpoint = server.endpoint
        async with self._connections.session.request(
            method,
            endpoint.origin + path,
            data=body or None,
            headers=headers,
            allow_redirects=False,
            ssl=endpoint.tls if endpoint.tls is not None else True,
            server_hostname=endpoint.server_name,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=server.connect_timeout),
        ) as answer:
            if answer.status >= 500:
                raise ErpDown(f"{endpoint.origin}: {path} answered {answer.status}")
            if answer.headers.get("Content-Encoding", _ENCODING) != _ENCODING:
                raise ErpNonsense(f"{endpoint.origin}: {path} answered in an encoding that was not asked for")
            read = await _read(answer, f"{endpoint.origin}: {path}")
            named = {name.lower(): value for name, value in reversed(list(answer.headers.items()))}
            cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
            return ErpAnswer(answer.status, named, cookies, read)


async def _read(answer: aiohttp.ClientResponse, what: str) -> bytes:
    parts: list[bytes] = []
    left = LARGEST_ANSWER
    async for part in answer.content.iter_any():
        left -= len(part)
        if left < 0:
            answer.close()
            raise ErpNonsense(f"{what} answered more than {LARGEST_ANSWER} bytes")
        parts.append(part)
    return b"".join(parts)
