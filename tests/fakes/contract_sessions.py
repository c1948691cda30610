"""A session as each dialect keeps it, for the suites that run over all dialects: a new dialect adds its context."""

from gateway.model import Session, TokenKind

CONTEXTS = {
    "idempiere": {
        "clients": "11,12",
        "tenant": "11",
        "role": "102",
        "organization": "11",
        "warehouse": "103",
        "language": "en_US",
    },
}
"""Dialect to what its sessions keep beside the user; nothing where it is left out."""

ISSUED = {
    "idempiere": (TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.PREAUTH),
    "itempath": (TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.APPLICATION),
}
"""Dialect to the kinds of token that it ever asks for; all where it is left out."""


def session_for(dialect):
    """A session of the user 101, of that dialect's making."""
    return Session(
        id="store-session-id-of-24-chars",
        login=dialect,
        provider="staff",
        user_id="101",
        user="GardenAdmin",
        created=1_800_000_000.25,
        absolute_expiry=1_807_776_000.25,
        roles=("sales",),
        scopes=("rest-api",),
        tenant="GardenWorld",
        context=CONTEXTS.get(dialect, {}),
    )
