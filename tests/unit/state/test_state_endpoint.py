"""Opening a connection: the greeting, the user, and no password in any error."""

import asyncio
from pathlib import Path

import pytest
from fakes.resp_server import RespServer, echo
from fakes.waiting import eventually

from gateway.config.secret import Secret
from gateway.state.endpoint import Endpoint, Tls

PASSWORD = Secret("s3cret")


def never(_command):
    return b""


async def test_user_and_name_go_along_with_the_greeting_in_one_round_trip():
    async with RespServer(lambda _: b"+OK\r\n") as server:
        where = Endpoint(host="127.0.0.1", port=server.port, username="gate", password=PASSWORD, database=3)

        link = await where.open()

        assert server.commands == [
            ("HELLO", "3", "AUTH", "gate", "s3cret", "SETNAME", "erp-auth-gateway"),
            ("SELECT", "3"),
        ]
        assert link.greeting[b"role"] == b"master"
        link.abort()


async def test_a_password_alone_is_the_default_users():
    async with RespServer(echo) as server:
        link = await Endpoint(host="127.0.0.1", port=server.port, password=PASSWORD).open()

        assert server.commands == [("HELLO", "3", "AUTH", "default", "s3cret", "SETNAME", "erp-auth-gateway")]
        link.abort()


async def test_where_hello_is_unknown_the_password_is_given_as_it_used_to_be():
    unknown = b"-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 's3cret'\r\n"
    async with RespServer(lambda _: b"+OK\r\n", hello=unknown) as server:
        where = Endpoint(host="127.0.0.1", port=server.port, password=PASSWORD, database=1)

        link = await where.open()

        assert server.commands[2:] == [("AUTH", "s3cret"), ("SELECT", "1")]
        assert link.greeting == {}
        link.abort()


@pytest.mark.parametrize(
    ("hello", "answer"),
    [
        (b"-WRONGPASS invalid username-password pair: s3cret\r\n", b"+OK\r\n"),
        (b"-NOAUTH HELLO must be called with the client already authenticated\r\n", b"+OK\r\n"),
        (b"-ERR unknown command 'HELLO', with args beginning with: 's3cret'\r\n", b"-ERR s3cret is wrong\r\n"),
    ],
)
async def test_a_refused_user_is_an_outage_that_does_not_show_the_password(hello, answer):
    async with RespServer(lambda _: answer, hello=hello) as server:
        with pytest.raises(PermissionError) as refused:
            await Endpoint(host="127.0.0.1", port=server.port, username="gate", password=PASSWORD).open()

        assert "s3cret" not in str(refused.value)


async def test_a_database_that_is_refused_opens_nothing():
    async with RespServer(lambda _: b"-ERR DB index is out of range\r\n") as server:
        with pytest.raises(PermissionError, match="database"):
            await Endpoint(host="127.0.0.1", port=server.port, database=99).open()


async def test_a_server_that_accepts_and_says_nothing_is_late():
    async with RespServer(never, hello=b"") as server:
        with pytest.raises(TimeoutError, match="did not open within"):
            await Endpoint(host="127.0.0.1", port=server.port, timeout=0.05).open()


async def test_a_refused_connection_is_said_at_once():
    with pytest.raises(ConnectionRefusedError):
        await Endpoint(host="127.0.0.1", port=1).open()


async def test_a_missing_socket_is_said_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        await Endpoint(path=str(tmp_path / "none.sock")).open()


async def test_a_missing_file_of_authorities_is_a_failure_of_the_connection():
    with pytest.raises(FileNotFoundError):
        await Endpoint(host="127.0.0.1", port=1, tls=Tls(Path("/nowhere/ca.pem"))).open()


async def test_plain_text_on_a_tls_port_is_refused_and_the_authorities_are_read_again():
    tls = Tls(None)
    context = tls.context()
    assert tls.context() is context
    async with RespServer(never) as server:
        where = Endpoint(host="127.0.0.1", port=server.port, tls=tls, timeout=5.0)
        opening = asyncio.ensure_future(where.open())
        await eventually(lambda: server.connections)
        server.say(b"-ERR what is this\r\n")
        with pytest.raises(OSError):
            await opening

    assert tls.context() is not context


def test_the_authority_and_the_name_are_checked():
    context = Tls(None).context()

    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


def test_an_endpoint_says_where_and_never_the_password():
    where = Endpoint(host="h", port=7, username="gate", password=PASSWORD)

    assert (str(where), str(where.at("g", 8)), str(Endpoint(path="/run/s"))) == ("h:7", "g:8", "/run/s")
    assert where.at("g", 8).username == "gate"
    assert "s3cret" not in repr(where)
