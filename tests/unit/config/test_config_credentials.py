import pytest
from fakes.configs import HASH, MINIMAL, WEAK_HASH

from gateway.config.credentials import is_weak_hash
from gateway.config.secret import Secret


def signing(line):
    return MINIMAL + f"signing_keys:\n  - {line}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{kid: k1, algorithm: HS256, secret: short}", "6:41: signing_keys[0].secret: must be 32 bytes or more"),
        (f"{{kid: k1, algorithm: HS256, secret: {'x' * 31}}}", "must be 32 bytes or more"),
        ("{kid: k1, algorithm: none}", "algorithm: must be one of HS256, HS384, HS512, RS256, ES256, EdDSA"),
        ("{kid: k1, algorithm: hs256}", "algorithm: must be one of"),
        ("{kid: k1, algorithm: RS256}", "private_key_file: is missing: RS256 signs with a private key"),
        (f"{{kid: k1, algorithm: RS256, secret: {'x' * 32}}}", "secret: does not go with RS256"),
        ("{kid: k1, algorithm: HS256, private_key_file: key.pem}", "private_key_file: does not go with HS256"),
        ("{algorithm: HS256}", "kid: is missing"),
    ],
)
def test_a_signing_key_that_cannot_sign_is_refused(refused, line, expected):
    problems = refused(signing(line), files={"key.pem": "PEM"})

    assert len(problems) == 1
    assert expected in problems[0]


def test_the_length_of_an_hmac_secret_is_counted_in_bytes(load_text):
    load_text(signing(f"{{kid: k1, algorithm: HS512, secret: {'ü' * 16}}}"))


def test_an_empty_hmac_secret_is_left_to_the_embedded_store(load_text):
    key = load_text(signing('{kid: k1, algorithm: HS256, secret: "${GATEWAY_SIGNING_SECRET:-}"}')).config.signing_keys[
        0
    ]

    assert not key.secret
    assert key.is_hmac


def test_a_private_key_is_read_from_its_file(load_text):
    text = signing("{kid: k1, algorithm: EdDSA, private_key_file: key.pem}")

    key = load_text(text, files={"key.pem": "PEM\n"}).config.signing_keys[0]

    assert key.private_key.reveal() == "PEM"
    assert not key.is_hmac


@pytest.mark.parametrize(
    "text",
    ["secret", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$…", "$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA", f"{HASH}$x"],
)  # fmt: skip
def test_a_password_hash_is_argon2id(refused, text):
    problems = refused(MINIMAL + f"clients:\n  - {{id: portal, secret_hash: '{text}'}}\n")

    assert problems == ["6:31: clients[0].secret_hash: must be an argon2id hash, as `gateway hash-password` prints it"]


@pytest.mark.parametrize(
    ("parameters", "weak"),
    [("m=65536,t=3,p=4", False), ("m=19456,t=2,p=1", False), ("m=47104,t=1,p=1", False), ("m=7168,t=5,p=1", False), ("m=19456,t=1,p=1", True), ("m=8,t=9,p=1", True)],
)  # fmt: skip
def test_hashes_below_what_owasp_advises_are_weak(parameters, weak):
    assert is_weak_hash(Secret(HASH.replace("m=65536,t=3,p=4", parameters))) is weak


def test_a_weak_hash_is_warned_of_and_loads(warned):
    assert warned(MINIMAL + f'clients: [{{id: portal, secret_hash: "{WEAK_HASH}"}}]\n') == [
        "5:37: clients[0].secret_hash: has weak argon2 parameters; `gateway hash-password` makes a better one"
    ]


def test_a_client_may_use_every_grant_unless_it_says_otherwise(load_text):
    text = (
        MINIMAL + f'clients: [{{id: a, secret_hash: "{HASH}"}}, {{id: b, secret_hash: "{HASH}", grants: [password]}}]\n'
    )

    assert [client.grants for client in load_text(text).config.clients] == [
        ("client_credentials", "password", "refresh_token"),
        ("password",),
    ]


@pytest.mark.parametrize(
    "value",
    ["sha256:abc", "sha256:" + "A" * 64, "5a" * 32, "md5:" + "5a" * 32, "", "sha256:" + "5a" * 33],
)
def test_an_api_key_is_declared_by_its_sha256(refused, value):
    problems = refused(MINIMAL + f"api_keys: [{{id: scanner, hash: '{value}', user: scanner}}]\n")

    assert "api_keys[0].hash: must be" in problems[0]


def test_an_api_key_expires_at_the_first_moment_of_its_day_or_never(load_text):
    keys = load_text(
        MINIMAL
        + f"api_keys:\n  - {{id: a, hash: 'sha256:{'5a' * 32}', user: x, expires: 2027-01-01}}\n"
        + f"  - {{id: b, hash: 'sha256:{'5b' * 32}', user: x}}\n"
    ).config.api_keys

    assert [key.expires for key in keys] == [1_798_761_600, float("inf")]
