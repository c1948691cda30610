import copy
import pickle

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.config.problems import ConfigRefused
from gateway.config.secret import RequiredSecret, Secret, read_secret_file


class Holder(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    token: Secret = Secret()
    key: RequiredSecret = Secret("unused")


def test_a_secret_is_shown_by_reveal_only():
    secret = Secret("hush")

    assert secret.reveal() == "hush"
    assert (
        "hush"
        not in f"{secret} {secret!r} {[secret]} {Holder(token='hush')!r} {Holder(token='hush').model_dump_json()}"
    )


def test_a_secret_is_falsy_when_empty():
    assert not Secret()
    assert Secret("x")


def test_secrets_compare_by_their_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_is_copied_as_itself_and_never_pickled():
    secret = Secret("hush")

    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_validation_error_does_not_show_a_secret():
    with pytest.raises(ValidationError) as refusal:
        Holder.model_validate({"token": ["hush"]})

    assert "must be a single text" in str(refusal.value)


def test_a_required_secret_is_not_empty():
    with pytest.raises(ValidationError, match="is empty"):
        Holder(key="")


@pytest.mark.parametrize("text", ["hush", "hush\n", "hush\r\n"])
def test_the_last_line_break_of_a_secret_file_is_not_part_of_the_secret(tmp_path, text):
    (tmp_path / "token").write_bytes(text.encode())

    assert read_secret_file(tmp_path / "token") == "hush"


def test_inner_and_further_line_breaks_are_part_of_the_secret(tmp_path):
    (tmp_path / "key.pem").write_text("-----BEGIN\nabc\n\n")

    assert read_secret_file(tmp_path / "key.pem") == "-----BEGIN\nabc\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "is not UTF-8 text"), (b"x" * 70_000, "is larger than")],
)
def test_a_useless_secret_file_is_refused(tmp_path, content, message):
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(ValueError, match=message):
        read_secret_file(tmp_path / "token")


def test_a_twin_is_read_relative_to_the_configuration_file(load_text):
    loaded = load_text(
        "admin: {token_file: admin.token}\nupstreams: {a: {servers: [http://h]}}\nroutes: [{path: /**, upstream: a}]\n",
        files={"admin.token": "0123456789abcdef0123456789abcdef\n"},
    )

    assert loaded.config.admin.token.reveal() == "0123456789abcdef0123456789abcdef"
    assert {path.name for path in loaded.files} == {"config.yaml", "admin.token"}


@pytest.mark.parametrize(
    ("admin", "message"),
    [
        ("{token: a, token_file: b}", "1:20: admin.token: is written twice: keep the value or its *_file twin"),
        ("{token_file: missing}", "1:21: admin.token_file: cannot read"),
        ("{token_file: [a]}", "1:21: admin.token_file: must name a file"),
        ("{token_file: ''}", "1:21: admin.token_file: must name a file"),
        ("{tokn_file: x}", '1:9: admin.tokn_file: unknown key; did you mean "token_file"?'),
    ],
)
def test_a_twin_that_cannot_be_used_is_refused_where_it_stands(load_text, admin, message):
    with pytest.raises(ConfigRefused) as refusal:
        load_text(f"admin: {admin}\nupstreams: {{a: {{servers: [http://h]}}}}\nroutes: [{{path: /**, upstream: a}}]\n")

    assert message.partition(": ")[2] in str(refusal.value)
