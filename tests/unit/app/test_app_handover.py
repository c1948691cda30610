import pickle
import secrets

import pytest
from fakes.assembling import Assembler

from gateway import __version__
from gateway.app.certificate import Certificate
from gateway.app.handover import Handover, pack, unpack
from gateway.app.link import LARGEST
from gateway.config.load import MAX_FILE_BYTES


@pytest.fixture
def loaded(tmp_path):
    assembler = Assembler(tmp_path)
    yield assembler.load(store="{url: 'embedded://state', password: hush-hush}")
    assembler.checks.close()


def test_a_configuration_crosses_with_its_secrets(loaded, tmp_path):
    handover = Handover(__version__, 1, 0, loaded, loaded, Certificate(b"chain", b"key"), "unix:///x", 1)

    read = unpack(pack(handover))

    assert read.loaded.config == loaded.config
    assert read.loaded.config.store.password.reveal() == "hush-hush"
    assert (read.loaded.file, read.loaded.base, read.loaded.files) == (loaded.file, loaded.base, loaded.files)
    assert read.loaded is read.started
    assert read.certificate.key == b"key"


def test_the_largest_file_fits_a_message_also_beside_another_that_was_reloaded(tmp_path):
    """Else a worker that ends is never replaced: the next one cannot be told what to serve."""
    assembler = Assembler(tmp_path)
    keys = [f"{{id: k{number}, user: u, hash: 'sha256:{secrets.token_hex(32)}'}}" for number in range(400)]
    started, loaded = (assembler.load(api_keys=f"[{', '.join(keys)}]") for _ in range(2))
    assembler.checks.close()

    packed = pack(Handover(__version__, 1, 0, started, loaded, None, "", 1))

    assert len(packed) * MAX_FILE_BYTES < LARGEST * (tmp_path / "config.yaml").stat().st_size


def test_options_of_variants_are_still_bound_to_their_lines(loaded):
    read = unpack(pack(loaded))

    read.report(("logins", "native", "path"), "a test")

    assert str(read.problems[0]).endswith("config.yaml:2:42: logins.native.path: a test")


def test_nobody_else_pickles_a_secret(loaded):
    with pytest.raises(TypeError, match="a secret is not pickled"):
        pickle.dumps(loaded.config.store.password)
