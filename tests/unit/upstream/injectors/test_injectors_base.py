import pytest

from gateway.model import Identity
from gateway.upstream.injectors import INJECTORS

OPTIONS = {
    "none": {},
    "basic": {"username": "u", "password": "p"},
    "bearer": {"token": "t"},
    "header": {"name": "X-Key", "value": "v"},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_injector_owns_every_header_it_writes(kind):
    injector = INJECTORS[kind](INJECTORS[kind].Options.model_validate(OPTIONS[kind]))

    lines = injector.headers_for(Identity("staff", "101", "ada", "bearer"))

    written = {line.partition(b":")[0].lower() for line in lines.split(b"\r\n") if line}
    assert written == injector.owns
