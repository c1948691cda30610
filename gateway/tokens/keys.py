"""Signing keys: refuses weak ones and derives a key ring of its own for every login."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm

HMAC_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Key lengths: those of the hash's output (RFC 7518, section 3.2)."""
ALGORITHMS: Final = (*HMAC_BYTES, "RS256", "ES256", "EdDSA")
_MIN_SECRET_BYTES: Final = 32
_MIN_RSA_BITS: Final = 2048

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class KeyRefused(ValueError):
    """A signing key is weak, broken or of another kind than its algorithm; the text never carries key bytes."""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """One entry of `signing_keys`: an HMAC secret or a private key in PEM, never both."""

    kid: str
    algorithm: str
    secret: bytes = field(default=b"", repr=False)
    private_key_pem: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class JwtKey:
    """A key that signs and verifies with one algorithm: its own, never the one a header names (RFC 8725, 3.1)."""

    kid: str
    algorithm: str
    _signer: Algorithm = field(repr=False)
    _private: Any = field(repr=False)
    _public: Any = field(repr=False)

    def sign(self, signing_input: bytes) -> bytes:
        """The signature over `header.payload`."""
        return self._signer.sign(signing_input, self._private)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether this key made that signature."""
        return self._signer.verify(signing_input, self._public, signature)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one login. The first of each signs, all verify."""

    login: str
    jwt_keys: tuple[JwtKey, ...]
    mac_keys: tuple[bytes, ...] = field(repr=False)
    _roots: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)

    def secrets(self, purpose: str, length: int) -> tuple[bytes, ...]:
        """Secret bytes for one purpose of this login, one value per signing key."""
        return tuple(_derive(root, self.login, purpose, length) for _, root in self._roots)

    def hmac_keys(self, algorithm: str, purpose: str) -> tuple[JwtKey, ...]:
        """HMAC keys for the JWTs of one purpose, whatever the algorithm of the signing keys.

        Another purpose makes other keys: a refresh token never verifies as an access token. Their bytes are
        `secrets("jwt <algorithm> <purpose>", HMAC_BYTES[algorithm])`, for a dialect that has to show them.
        """
        secrets = self.secrets(f"jwt {algorithm} {purpose}", HMAC_BYTES[algorithm])
        return tuple(_hmac_key(kid, algorithm, secret) for (kid, _), secret in zip(self._roots, secrets, strict=True))


class SigningKeys:
    """The `signing_keys` of the configuration, checked. Raises KeyRefused."""

    def __init__(self, materials: Sequence[KeyMaterial]) -> None:
        if not materials:
            raise KeyRefused("there is no signing key")
        self._roots: dict[str, bytes] = {}
        self._shared: dict[str, tuple[JwtKey, Mapping[str, Any]]] = {}
        self._algorithms: dict[str, str] = {}
        for material in materials:
            self._add(material)

    def _add(self, material: KeyMaterial) -> None:
        kid = material.kid
        if not kid:
            raise KeyRefused("a signing key has no kid")
        if kid in self._roots:
            raise KeyRefused(f'two signing keys have the kid "{kid}"')
        if bool(material.secret) == bool(material.private_key_pem):
            raise KeyRefused(f'signing key "{kid}" needs either a secret or a private key')
        if material.algorithm in HMAC_BYTES:
            self._roots[kid] = _checked_secret(material)
        elif material.algorithm in ALGORITHMS:
            private = _checked_private_key(material)
            self._roots[kid] = _pkcs8(private)
            self._shared[kid] = _shared_key(kid, material.algorithm, private)
        else:
            raise KeyRefused(f'signing key "{kid}": the algorithm "{material.algorithm}" is not supported')
        self._algorithms[kid] = material.algorithm

    def ring(self, login: str, *, signing_kid: str = "") -> KeyRing:
        """The key ring of one login; `signing_kid` signs instead of the first.

        HMAC keys are derived per login, so that a token of one login never verifies in another; asymmetric keys are
        shared and told apart by iss, aud, typ and the record. Raises KeyRefused for an unknown kid.
        """
        order = list(self._roots)
        if signing_kid:
            if signing_kid not in self._roots:
                raise KeyRefused(f'login "{login}": there is no signing key "{signing_kid}"')
            order.sort(key=lambda kid: kid != signing_kid)
        return KeyRing(
            login=login,
            jwt_keys=tuple(self._jwt_key(kid, login) for kid in order),
            mac_keys=tuple(_derive(self._roots[kid], login, "opaque tokens", 32) for kid in order),
            _roots=tuple((kid, self._roots[kid]) for kid in order),
        )

    def jwks(self) -> dict[str, Any]:
        """The public keys as RFC 7517 writes them; HMAC secrets are never among them."""
        return {"keys": [dict(jwk) for _, jwk in self._shared.values()]}

    def asymmetric(self) -> JwtKey | None:
        """The first asymmetric key, which signs what others verify by the JWKS; None where none is listed."""
        return next((key for key, _ in self._shared.values()), None)

    def ensure_asymmetric(self) -> JwtKey:
        """The same; where none is listed one is derived from the first key, so that all nodes publish the same one."""
        key = self.asymmetric()
        if key is None:
            # 128 bits more than the order: the bias of the reduction is negligible (FIPS 186-5, A.2.1)
            scalar = int.from_bytes(self.derive("assertion", 48), "big") % (_P256_ORDER - 1) + 1
            kid = "assertion-" + self.derive("assertion kid", 6).hex()
            private = ec.derive_private_key(scalar, ec.SECP256R1())
            self._shared[kid] = _shared_key(kid, "ES256", private)
            key = self._shared[kid][0]
        return key

    def derive(self, purpose: str, length: int = 32) -> bytes:
        """Secret bytes for one purpose, from the first key."""
        return _derive(next(iter(self._roots.values())), "", purpose, length)

    def _jwt_key(self, kid: str, login: str) -> JwtKey:
        if kid in self._shared:
            return self._shared[kid][0]
        algorithm = self._algorithms[kid]
        secret = _derive(self._roots[kid], login, "jwt " + algorithm, HMAC_BYTES[algorithm])
        return _hmac_key(kid, algorithm, secret)


def _hmac_key(kid: str, algorithm: str, secret: bytes) -> JwtKey:
    return JwtKey(kid, algorithm, jwt.get_algorithm_by_name(algorithm), secret, secret)


def _checked_secret(material: KeyMaterial) -> bytes:
    if len(material.secret) < _MIN_SECRET_BYTES:
        # PyJWT only warns (InsecureKeyLengthWarning); RFC 7518, section 3.2 says MUST.
        raise KeyRefused(f'signing key "{material.kid}": the secret has fewer than {_MIN_SECRET_BYTES} bytes')
    if b"-----BEGIN" in material.secret or material.secret.startswith(b"ssh-"):
        # The door of CVE-2022-29217: whoever has the public key could sign with it.
        raise KeyRefused(f'signing key "{material.kid}": the secret of an HMAC algorithm is a PEM or SSH key')
    return material.secret


def _checked_private_key(material: KeyMaterial) -> PrivateKey:
    kid = material.kid
    if not material.private_key_pem:
        raise KeyRefused(f'signing key "{kid}": {material.algorithm} needs a private key, not a secret')
    try:
        private = serialization.load_pem_private_key(material.private_key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused(f'signing key "{kid}": the file is not an unencrypted private key in PEM') from None
    match material.algorithm, private:
        case "RS256", rsa.RSAPrivateKey():
            if private.key_size < _MIN_RSA_BITS:
                raise KeyRefused(f'signing key "{kid}": RSA keys have {_MIN_RSA_BITS} bits or more')
            return private
        case "ES256", ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return private
        case "EdDSA", ed25519.Ed25519PrivateKey():
            return private
    raise KeyRefused(f'signing key "{kid}": the private key is not one for {material.algorithm}')


def _shared_key(kid: str, algorithm: str, private: PrivateKey) -> tuple[JwtKey, Mapping[str, Any]]:
    public = private.public_key()
    match public:
        case rsa.RSAPublicKey():
            members = RSAAlgorithm.to_jwk(public, as_dict=True)
        case ec.EllipticCurvePublicKey():
            members = ECAlgorithm.to_jwk(public, as_dict=True)
        case _:
            members = OKPAlgorithm.to_jwk(public, as_dict=True)
    named = {name: value for name, value in members.items() if name != "key_ops"}
    jwk = {**named, "kid": kid, "alg": algorithm, "use": "sig"}
    return JwtKey(kid, algorithm, jwt.get_algorithm_by_name(algorithm), private, public), jwk


def _pkcs8(private: PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _derive(root: bytes, login: str, purpose: str, length: int) -> bytes:
    """HKDF-SHA256 (RFC 5869); the parts carry their length, so that no two inputs run together."""
    parts = (login.encode(), purpose.encode())
    info = b"erp-auth-gateway" + b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return HKDF(hashes.SHA256(), length, salt=None, info=info).derive(root)
