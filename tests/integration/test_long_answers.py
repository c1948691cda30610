"""Event streams, downloads and uploads of a session end with it, and nobody else's do."""

import asyncio

import pytest
from fakes.demo_upstream import demo_behind
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD
from fakes.waiting import eventually

CONFIG = """\
{logins}
upstreams:
  demo: {{servers: ["http://127.0.0.1:{port}"]}}
routes:
  - {{name: images, path: /**, upstream: demo, credentials: [bearer, access_token]}}
"""
EVENTS = "/stream?count=100000&interval=0.02"
DOWNLOAD = "/download?bytes=1000000000"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with demo_behind(tmp_path_factory.mktemp("long"), CONFIG) as gateway:
        yield gateway


@pytest.fixture
def client(gateway):
    return PlainClient(gateway.port)


@pytest.fixture
def login(client):
    return lambda: client.post("/auth/login", {"username": "ada", "password": PASSWORD}).json["access_token"]


class Stream:
    """A connection whose answer is read slowly, to see when it breaks off."""

    @classmethod
    async def open(cls, gateway, head):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**16)
        self.writer.write(head)
        await self.writer.drain()
        return self

    async def flows(self):
        return bool(await asyncio.wait_for(self.reader.read(1000), 30))

    async def has_broken_off(self):
        """Reads to the end: the connection is reset, as nothing that is cut may look complete."""
        try:
            async with asyncio.timeout(30):
                while await self.reader.read(2**16):
                    pass
        except ConnectionResetError:
            return True
        return False

    def close(self):
        self.writer.close()


def get(target, token):
    return f"GET {target} HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


@pytest.mark.parametrize("target", [EVENTS, DOWNLOAD])
@pytest.mark.parametrize("by", ["bearer", "access_token"])
async def test_a_logout_breaks_off_the_long_answers_of_its_session(gateway, client, login, target, by):
    token, other = login(), login()
    head = get(target, token)
    if by == "access_token":
        head = f"GET {target}&access_token={token} HTTP/1.1\r\nHost: erp.example\r\n\r\n".encode()
    mine, foreign = await Stream.open(gateway, head), await Stream.open(gateway, get(EVENTS, other))
    assert await mine.flows()
    assert await foreign.flows()
    await asyncio.sleep(1)  # long enough to be watched, or not: both have to end

    assert (await asyncio.to_thread(client.post, "/auth/logout", None, bearer(token))).status in {200, 204}

    assert await mine.has_broken_off()
    assert await foreign.flows()
    foreign.close()


async def test_a_stream_that_had_just_begun_ends_as_well(gateway, client, login):
    token = login()
    stream = await Stream.open(gateway, get(EVENTS, token))
    assert await stream.flows()

    await asyncio.to_thread(client.post, "/auth/logout", None, bearer(token))

    assert await stream.has_broken_off()


async def test_an_upload_gets_its_401_before_it_is_through(gateway, client, login):
    token = login()
    head = get("/upload", token).replace(b"GET", b"POST")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
    upload = await Stream.open(gateway, head + b"4\r\nhalf\r\n")
    await asyncio.sleep(1)
    await asyncio.to_thread(client.post, "/auth/logout", None, bearer(token))

    assert (await asyncio.wait_for(upload.reader.readline(), 30)).startswith(b"HTTP/1.1 401")
    upload.close()


async def test_what_was_cut_is_logged_once_with_its_reason(gateway, client, login):
    token = login()
    stream = await Stream.open(gateway, get("/stream?count=99999&interval=0.02", token))
    assert await stream.flows()
    await asyncio.to_thread(client.post, "/auth/logout", None, bearer(token))
    assert await stream.has_broken_off()

    assert await eventually(lambda: [line for line in gateway.access_log() if "revoked" in line.get("broken", "")])
