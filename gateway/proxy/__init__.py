"""The forwarding path: our own HTTP/1.1 proxy on asyncio.Protocol, llhttp and uvloop."""
