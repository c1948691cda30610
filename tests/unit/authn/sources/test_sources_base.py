import pytest
from fakes.presented import Presented

from gateway.authn.sources import SOURCES


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_reads_nothing_out_of_nothing(name):
    assert SOURCES[name].find(Presented()) is None


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_named_by_the_method_it_proves(name):
    assert SOURCES[name].method == name
    assert SOURCES[name].explicit == (name != "cookie")
