"""Reads what a program or a form sends to the admin listener."""

import asyncio

from aiohttp import web

BODY_SECONDS = 30.0


async def read_body(request: web.Request, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body. Raises HTTPRequestTimeout where it takes longer, HTTPRequestEntityTooLarge."""
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
