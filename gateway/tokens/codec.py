"""JWT bytes: signs our access tokens and reads back nothing but them.

A header is never interpreted. The few headers that our keys write are known byte for byte, and a token's first segment
either is one of them or the token is not ours: so there is no alg to confuse, no crit, jku, x5u or jwk to obey
(RFC 8725, sections 3.1 and 3.10). Claims are parsed only after the signature was right.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeGuard

from gateway.errors import GatewayError
from gateway.tokens.keys import JwtKey, KeyRing

MAX_TOKEN_BYTES: Final = 16384
"""Half of the largest head that a client may send; longer ones are neither issued nor read."""
CLOCK_SKEW: Final = 60.0
"""Seconds by which another gateway's clock may be ahead of ours (iat, nbf)."""

_SHAPE: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_LOOSE_SHAPE: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)=*")


class MalformedToken(ValueError):
    """The bytes are no JWT that we could have written."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A JWT taken apart, each part in the only spelling that base64url has for it."""

    header: bytes
    signing_input: bytes
    payload: bytes
    signature: bytes


class Jws:
    """The JWTs that some keys sign, each under the one header that the key writes. Claims are not judged here."""

    def __init__(self, keys: Sequence[JwtKey], header: Callable[[JwtKey], Mapping[str, str]]) -> None:
        """`header` is what a key's tokens begin with, its members in wire order; several keys may share one."""
        self.keys: dict[bytes, tuple[JwtKey, ...]] = {}
        for key in keys:
            segment = encode_segment(_json(header(key)))
            self.keys[segment] = (*self.keys.get(segment, ()), key)
        self._first_header, (self._first_key, *_) = next(iter(self.keys.items()))

    def encode(self, claims: Mapping[str, Any]) -> str:
        """Sign the claims, in the order given, with the first key. Raises GatewayError for far too many."""
        return self.sign(_json(claims))

    def sign(self, payload: bytes) -> str:
        """The same for claims that are written already, where an ERP's bytes are not those of `encode`."""
        signing_input = self._first_header + b"." + encode_segment(payload)
        token = signing_input + b"." + encode_segment(self._first_key.sign(signing_input))
        if len(token) > MAX_TOKEN_BYTES:
            raise GatewayError(f"roles and scopes make a JWT of {len(token)} bytes: token_format: opaque has no limit")
        return token.decode()

    def read(self, token: bytes) -> dict[str, Any] | None:
        """The claims of a token that one of the keys signed, in the only spelling it has; None for all else."""
        try:
            segments = split(token)
            keys = self.keys.get(segments.header, ())
            if not any(key.verify(segments.signing_input, segments.signature) for key in keys):
                return None
            return parse_claims(segments.payload)
        except MalformedToken:
            return None

    def signed(self, token: bytes) -> bool:
        """Whether one of the keys signed this, expired or not, in whatever spelling.

        Looser than `read` on purpose: a token of ours with padding added is refused as a credential, but must never
        be taken for a foreign one and passed on.
        """
        match = _LOOSE_SHAPE.fullmatch(token) if len(token) <= 2 * MAX_TOKEN_BYTES else None
        if match is None:
            return False
        try:
            signature = _decode(match[3])
        except ValueError:
            return False
        return any(key.verify(token[: match.end(2)], signature) for key in self.keys.get(match[1], ()))


class Codec(Jws):
    """The JWTs of RFC 9068 that a login writes, and whether signed claims are those of its tokens."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, typ: str = "at+jwt") -> None:
        super().__init__(ring.jwt_keys, lambda key: {"alg": key.algorithm, "kid": key.kid, "typ": typ})
        self.login = ring.login
        self.issuer = issuer
        self.audience = audience

    def accepts(self, claims: Mapping[str, Any], now: float) -> bool:
        """Whether signed claims are those of a token of this login that has begun (RFC 9068, section 4)."""
        issued, begins = claims.get("iat"), claims.get("nbf", 0)
        return (
            is_whole_second(claims.get("exp"))
            and is_whole_second(issued)
            and is_whole_second(begins)
            and issued <= now + CLOCK_SKEW
            and begins <= now + CLOCK_SKEW
            and type(claims.get("iss")) is str
            and claims["iss"] == self.issuer
            and type(claims.get("aud")) is str
            and claims["aud"] == self.audience
        )


def is_whole_second(value: object) -> TypeGuard[int]:
    """Whether a claim is a NumericDate as we write them: a bool is an int to isinstance, floats bring NaN."""
    return type(value) is int


def past(claims: Mapping[str, Any], now: float) -> bool:
    """Whether `exp` is over; a token without one has no end of its own, one with nonsense has had it.

    exp counts whole seconds and holds until its second is over: the store's record, which every token needs, ends at
    the exact moment.
    """
    if "exp" not in claims:
        return False
    expires = claims["exp"]
    return not is_whole_second(expires) or now >= expires + 1


def is_jwt_shaped(token: bytes) -> bool:
    """Whether the bytes are three base64url segments, whoever made them."""
    return _SHAPE.fullmatch(token) is not None


def split(token: bytes) -> Segments:
    """Take a JWT apart without trusting it.

    Raises MalformedToken, also for a second spelling of good bytes (padding, spare bits that are not zero): PyJWT
    verifies those, and what is keyed on a token's text must see one spelling only.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise MalformedToken("too long")
    match = _SHAPE.fullmatch(token)
    if match is None:
        raise MalformedToken("not three base64url segments")
    header, payload, signature = match.groups()
    return Segments(header, token[: match.end(2)], decode_segment(payload), decode_segment(signature))


def parse_claims(payload: bytes) -> dict[str, Any]:
    """A JSON object in which nothing is said twice. Raises MalformedToken, also for NaN and endless nesting."""
    try:
        claims = json.loads(payload.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedToken("the payload is not JSON") from error
    if not isinstance(claims, dict):
        raise MalformedToken("the payload is not a JSON object")
    return claims


def encode_segment(raw: bytes) -> bytes:
    """base64url without padding (RFC 7515, section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes:
    """The bytes of a base64url segment in its canonical spelling. Raises MalformedToken."""
    try:
        raw = _decode(segment)
    except ValueError:
        raise MalformedToken("not base64url") from None
    if encode_segment(raw) != segment:
        raise MalformedToken("not the canonical base64url spelling")
    return raw


def _decode(segment: bytes) -> bytes:
    return urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
