"""The contract is what the broker keeps and the dialects ask for."""

import inspect

import pytest

from gateway.broker.broker import Broker as RealBroker
from gateway.dialects.contract import Broker

ASKED = [name for name, _ in inspect.getmembers(Broker, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", ASKED)
def test_the_broker_keeps_what_the_contract_promises(name):
    promised, kept = (inspect.signature(getattr(owner, name)).parameters for owner in (Broker, RealBroker))

    assert [(each.name, each.default) for each in kept.values()] == [
        (each.name, each.default) for each in promised.values()
    ]
