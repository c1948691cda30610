"""Signing keys: weak ones never load, and every login has keys of its own."""

from hmac import digest

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fakes.token_rig import SECRET

from gateway.tokens.keys import KeyMaterial, KeyRefused, SigningKeys


def pem(private, password=None):
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
PUBLIC_PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
ASYMMETRIC = [("RS256", RSA), ("ES256", P256), ("EdDSA", ED25519)]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_hmac_keys_sign_and_verify_and_differ_by_login(algorithm):
    keys = SigningKeys([KeyMaterial("k", algorithm, SECRET)])
    mine, theirs = (keys.ring(login).jwt_keys[0] for login in ("a", "b"))

    signature = mine.sign(b"message")

    assert mine.verify(b"message", signature)
    assert not theirs.verify(b"message", signature)
    assert not mine.verify(b"other", signature)
    assert len(mine._private) * 8 == int(algorithm[2:])


@pytest.mark.parametrize(("algorithm", "private"), ASYMMETRIC)
def test_asymmetric_keys_are_shared_by_logins_and_published(algorithm, private):
    keys = SigningKeys([KeyMaterial("a1", algorithm, private_key_pem=pem(private))])
    mine, theirs = (keys.ring(login).jwt_keys[0] for login in ("a", "b"))

    assert mine is theirs is keys.asymmetric()
    assert mine.verify(b"message", mine.sign(b"message"))
    assert not mine.verify(b"message", b"short")
    (published,) = keys.jwks()["keys"]
    assert (published["kid"], published["alg"], published["use"]) == ("a1", algorithm, "sig")
    assert not set(published) & {"d", "p", "q", "dp", "dq", "qi", "k"}


def test_hmac_secrets_are_not_published():
    keys = SigningKeys([KeyMaterial("k", "HS256", SECRET)])

    assert keys.jwks() == {"keys": []}
    assert keys.asymmetric() is None


def test_hmac_keys_are_derived_from_an_asymmetric_key_too():
    """The ERP dialects' JWTs are always HMAC."""
    ring = SigningKeys([KeyMaterial("e", "ES256", private_key_pem=pem(P256))]).ring("erp")
    (key,) = ring.hmac_keys("HS512", "access")

    assert (key.kid, key.algorithm) == ("e", "HS512")
    assert key.sign(b"message") == digest(*ring.secrets("jwt HS512 access", 64), b"message", "sha512")
    assert key.verify(b"message", key.sign(b"message"))


def test_hmac_keys_differ_by_login_purpose_and_algorithm_and_the_first_signs():
    keys = SigningKeys([KeyMaterial("k1", "HS256", SECRET), KeyMaterial("k2", "HS256", SECRET[::-1])])
    rings = [keys.ring("a"), keys.ring("b"), keys.ring("a", signing_kid="k2")]
    asked = [("HS256", "access"), ("HS256", "refresh"), ("HS384", "access")]

    signed = [ring.hmac_keys(*each)[0].sign(b"message") for ring in rings for each in asked]

    assert len(set(signed)) == 9
    assert [key.kid for key in rings[2].hmac_keys("HS256", "access")] == ["k2", "k1"]
    assert SECRET.decode() not in repr(rings[0])


def test_the_named_key_signs_and_the_others_still_verify():
    keys = SigningKeys([KeyMaterial("k1", "HS256", SECRET), KeyMaterial("k2", "HS256", SECRET[::-1])])

    assert [key.kid for key in keys.ring("a").jwt_keys] == ["k1", "k2"]
    assert [key.kid for key in keys.ring("a", signing_kid="k2").jwt_keys] == ["k2", "k1"]
    with pytest.raises(KeyRefused, match='no signing key "k3"'):
        keys.ring("a", signing_kid="k3")


def test_every_derived_secret_differs_by_login_and_purpose():
    keys = SigningKeys([KeyMaterial("k1", "HS256", SECRET)])
    rings = [keys.ring(login) for login in ("a", "b", "ab", "")]

    derived = [ring.jwt_keys[0]._private for ring in rings] + [ring.mac_keys[0] for ring in rings]
    derived += [keys.derive("opaque tokens"), keys.derive("x"), SECRET]

    assert len(set(derived)) == len(derived) - 1  # the nameless login's MAC key is derive("opaque tokens") itself


@pytest.mark.parametrize(
    ("materials", "because"),
    [
        ([], "no signing key"),
        ([KeyMaterial("k", "HS256", SECRET[:31])], "fewer than 32 bytes"),
        ([KeyMaterial("k", "HS512", SECRET[:31])], "fewer than 32 bytes"),
        ([KeyMaterial("k", "HS256")], "either a secret or a private key"),
        ([KeyMaterial("k", "HS256", SECRET, pem(RSA))], "either a secret or a private key"),
        ([KeyMaterial("k", "HS256", PUBLIC_PEM)], "PEM or SSH key"),
        ([KeyMaterial("k", "HS256", b"ssh-ed25519 " + b"A" * 60)], "PEM or SSH key"),
        ([KeyMaterial("k", "none", SECRET)], "not supported"),
        ([KeyMaterial("k", "RS512", SECRET)], "not supported"),
        ([KeyMaterial("", "HS256", SECRET)], "no kid"),
        (
            [KeyMaterial("k", "HS256", SECRET), KeyMaterial("k", "HS256", SECRET[::-1])],
            'two signing keys have the kid "k"',
        ),
        ([KeyMaterial("k", "RS256", SECRET)], "needs a private key"),
        ([KeyMaterial("k", "HS256", private_key_pem=pem(RSA))], "fewer than 32 bytes"),
        ([KeyMaterial("k", "RS256", private_key_pem=b"garbage")], "not an unencrypted private key"),
        ([KeyMaterial("k", "RS256", private_key_pem=PUBLIC_PEM)], "not an unencrypted private key"),
        ([KeyMaterial("k", "RS256", private_key_pem=pem(RSA, b"pw"))], "not an unencrypted private key"),
        ([KeyMaterial("k", "RS256", private_key_pem=pem(rsa.generate_private_key(65537, 1024)))], "2048 bits"),
        ([KeyMaterial("k", "RS256", private_key_pem=pem(P256))], "not one for RS256"),
        ([KeyMaterial("k", "ES256", private_key_pem=pem(RSA))], "not one for ES256"),
        (
            [KeyMaterial("k", "ES256", private_key_pem=pem(ec.generate_private_key(ec.SECP384R1())))],
            "not one for ES256",
        ),
        ([KeyMaterial("k", "EdDSA", private_key_pem=pem(P256))], "not one for EdDSA"),
    ],
)
def test_a_weak_broken_or_unfitting_key_is_refused_without_showing_it(materials, because):
    with pytest.raises(KeyRefused, match=because) as refused:
        SigningKeys(materials)

    assert SECRET[:31].decode() not in str(refused.value)


def test_no_key_has_a_repr():
    material = KeyMaterial("k", "HS256", SECRET)
    keys = SigningKeys([material])

    told = repr(material) + repr(keys) + repr(keys.ring("a"))
    assert "0123456789" not in told
    assert repr(keys.ring("a").jwt_keys[0]._private) not in told


def test_without_an_asymmetric_key_one_is_derived_that_every_node_shares():
    """What signs assertions: all gateways publish the same key without having to hand it round."""
    first, second = (SigningKeys([KeyMaterial("k", "HS256", SECRET)]) for _ in range(2))

    derived = first.ensure_asymmetric()
    second.ensure_asymmetric()

    assert derived is first.ensure_asymmetric() is first.asymmetric()
    assert derived.algorithm == "ES256"
    assert derived.verify(b"message", derived.sign(b"message"))
    assert first.jwks() == second.jwks()
    assert first.jwks()["keys"][0]["kid"] == derived.kid
    other = SigningKeys([KeyMaterial("k", "HS256", SECRET[::-1])])
    assert other.ensure_asymmetric().kid != derived.kid


def test_a_listed_asymmetric_key_is_the_one_that_is_used():
    keys = SigningKeys([KeyMaterial("k", "HS256", SECRET), KeyMaterial("e", "ES256", private_key_pem=pem(P256))])

    assert keys.ensure_asymmetric().kid == "e"
    assert len(keys.jwks()["keys"]) == 1
