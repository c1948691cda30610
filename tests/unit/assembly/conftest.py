import pytest
from fakes.assembling import Assembler


@pytest.fixture
def assembler(tmp_path):
    made = Assembler(tmp_path)
    yield made
    made.checks.close()
