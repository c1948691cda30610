"""Fixtures around `small_shop`: one gateway and one ERP for all tests of a run that change neither."""

import functools

import pytest
from fakes import small_shop
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess
from fakes.plain_client import PlainClient, bearer
from fakes.small_shop import PASSWORD


class Shop:
    """A running gateway with the small shop's configuration, the ERP behind it, and a client of it."""

    def __init__(self, directory, erp, gateway):
        self.directory = directory
        self.erp = erp
        self.gateway = gateway
        self.client = PlainClient(gateway.port)

    def login(self, user="ada", login="auth"):
        """The answer of a login, as JSON."""
        answer = self.client.post(f"/{login}/login", {"username": user, "password": PASSWORD})
        assert answer.status == 200, answer
        return answer.json

    @functools.cache  # noqa: B019 - lives as long as the test run
    def token(self, user="ada", login="auth"):
        """An access token that several tests share; none of them ends it."""
        return self.login(user, login)["access_token"]

    def bearer(self, user="ada", login="auth"):
        return bearer(self.token(user, login))

    def written(self):
        """Every word that the gateway has written anywhere but in its store."""
        files = [self.directory / name for name in ("access.log", "audit.log", "stdout", "stderr")]
        return "".join(file.read_text() for file in files if file.exists())


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("shop")
    erp = Erp()
    gateway = GatewayProcess(directory, small_shop.config(erp.port)).start()
    yield Shop(directory, erp, gateway)
    gateway.stop()
    erp.stop()


@pytest.fixture
def shop(running_shop):
    running_shop.erp.forget()
    return running_shop


@pytest.fixture
def client(shop):
    return shop.client


@pytest.fixture
def erp(shop):
    return shop.erp
