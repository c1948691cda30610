"""JWT bytes: signs our access tokens and reads back nothing but them.

A header is never interpreted. The few headers that our keys write are known byte for byte, and a token's first segment
either is one of them or the token is not ours: so there is no alg to confuse, no crit, jku, x5u or jwk to obey
(RFC 8725, sections 3.1 and 3.10). Claims are parsed only after the signature was right.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

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


class Codec:
    """Writes the JWTs of one login, and judges the claims of those that its keys have signed."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str,
        audience: str,
        typ: str = "at+jwt",
        header_order: Sequence[str] = ("alg", "kid", "typ"),
    ) -> None:
        self.login = ring.login
        self.issuer = issuer
        self.audience = audience
        self.keys: dict[bytes, JwtKey] = {_header(key, typ, header_order): key for key in ring.jwt_keys}
        self._first_header, self._first_key = next(iter(self.keys.items()))

    def encode(self, claims: Mapping[str, Any]) -> str:
        """Sign the claims, in the order given, with the login's first key. Raises GatewayError for far too many."""
        signing_input = self._first_header + b"." + encode_segment(_json(claims))
        token = signing_input + b"." + encode_segment(self._first_key.sign(signing_input))
        if len(token) > MAX_TOKEN_BYTES:
            raise GatewayError(f"roles and scopes make a JWT of {len(token)} bytes: token_format: opaque has no limit")
        return token.decode()

    def decode(self, token: bytes, now: float) -> dict[str, Any] | None:
        """The claims of a token of this login that is valid at `now` (epoch seconds), or None."""
        try:
            segments = split(token)
            key = self.keys.get(segments.header)
            if key is None or not key.verify(segments.signing_input, segments.signature):
                return None
            claims = parse_claims(segments.payload)
        except MalformedToken:
            return None
        return claims if self.accepts(claims, now) else None

    def accepts(self, claims: Mapping[str, Any], now: float) -> bool:
        """Whether signed claims are those of a valid token of this login (RFC 9068, section 4).

        exp counts whole seconds and holds until its second is over: the store's record, which every token needs, ends
        at the exact moment.
        """
        expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        return (
            # type(…) is int: a bool is an int to isinstance, and floats bring NaN and infinity.
            type(expires) is int
            and type(issued) is int
            and type(begins) is int
            and now < expires + 1
            and issued <= now + CLOCK_SKEW
            and begins <= now + CLOCK_SKEW
            and type(claims.get("iss")) is str
            and claims["iss"] == self.issuer
            and type(claims.get("aud")) is str
            and claims["aud"] == self.audience
        )


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


def is_signed_by(token: bytes, keys: Mapping[bytes, Sequence[JwtKey]]) -> bool:
    """Whether one of the keys signed this token, expired or not, in whatever spelling.

    Looser than `split` on purpose: a token of ours with padding added is refused as a credential, but must never be
    taken for a foreign one and passed on.
    """
    match = _LOOSE_SHAPE.fullmatch(token) if len(token) <= 2 * MAX_TOKEN_BYTES else None
    if match is None:
        return False
    try:
        signature = _decode(match[3])
    except ValueError:
        return False
    return any(key.verify(token[: match.end(2)], signature) for key in keys.get(match[1], ()))


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


def _header(key: JwtKey, typ: str, order: Sequence[str]) -> bytes:
    members = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    return encode_segment(_json({name: members[name] for name in order}))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
