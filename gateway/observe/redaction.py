"""Takes credentials out of text that is about to be written: the last net under code that let one in."""

import re

MASK = "[redacted]"

_WORD = r"(?:pass(?:word|wd)|secret|token|api[-_]?key|authorization|cookie)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"((?<![\w-])(?>[\w-]*?(?=eyJ)))[\w-]{9,}+\.[\w-]++\.[\w-]*+",  # a JWT: its header always begins with {"
        r"()gw[a-z]_[\w-]{8,}",  # our own opaque tokens and API keys
        r"()\$argon2(?:id|i|d)\$[^\s\"']+",
        r"\b((?:Bearer|Basic)\s+)[\w.~+/=-]{4,}",
        r"\b((?:Authorization|Cookie|Set-Cookie|X-API-Key)[\"']?\s*:[^\S\n]*)\S[^\n]*",
        rf"((?:{_WORD}[\w-]{{0,64}}+|session_id)(?:=|%(?:25)*+3D)[\"']?)[^\s&\"',;}})]+",  # a query, a form, a repr
        rf"([\"'](?=[\w-]{{0,64}}?{_WORD})[\w-]{{1,96}}+[\"']\s*+:\s*+[\"'])[^\"']+",  # JSON
        r"(\w://[^\s:/@]*:)[^\s/@]+(?=@)",  # user:password@ in a URL
    )
)
# Each in linear time, whatever a client writes into a path: no piece of the text is looked at from two beginnings, or
# it is short.
_SECRET_NAME = re.compile(rf"{_WORD}$", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without what looks like a token, a password, a cookie or a hash of one."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def redact_field(name: str, value: object) -> object:
    """The value of a named field as it may be logged: masked where the name says secret, cleaned where it is text."""
    if not isinstance(value, str):
        return value
    return MASK if value and _SECRET_NAME.search(name) else redact(value)
