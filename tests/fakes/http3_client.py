"""One GET over HTTP/3: `http3_client.py SOURCE PORT HOST PATH CA [NAME VALUE]…` prints status and body.

It runs under a Python that has aioquic, which the gateway's own environment does not need.
"""

import asyncio
import sys

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection


class Http3(QuicConnectionProtocol):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._http = H3Connection(self._quic)
        self.done = asyncio.get_running_loop().create_future()
        self.status, self.body = b"", b""

    def get(self, host, path, headers):
        fields = [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path), *headers]
        encoded = [(name.lower().encode(), value.encode()) for name, value in fields]
        self._http.send_headers(self._quic.get_next_available_stream_id(), encoded, end_stream=True)
        self.transmit()

    def quic_event_received(self, event):
        for found in self._http.handle_event(event):
            if isinstance(found, HeadersReceived):
                self.status = dict(found.headers)[b":status"]
            elif isinstance(found, DataReceived):
                self.body += found.data
            if getattr(found, "stream_ended", False) and not self.done.done():
                self.done.set_result(None)


async def ask(source, port, host, path, authority, *headers):
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=True, server_name=host)
    configuration.load_verify_locations(authority)
    connection = QuicConnection(configuration=configuration)
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(lambda: Http3(connection), local_addr=(source, 0))
    client.connect(("127.0.0.1", int(port)))
    await asyncio.wait_for(client.wait_connected(), 30)
    client.get(host, path, list(zip(headers[::2], headers[1::2], strict=True)))
    await asyncio.wait_for(client.done, 30)
    client.close()
    await client.wait_closed()
    transport.close()
    sys.stdout.write(f"{client.status.decode()}\n{client.body.decode()}")


asyncio.run(ask(*sys.argv[1:]))
