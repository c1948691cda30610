"""Exchanges recorded as bytes in tests/golden/*.http: what is sent, what comes back, and names for what is random.

An exchange is a title (`### …`), the request, `---` and the answer. `{{name}}` in an answer stands for whatever comes
there, and for the same again wherever it stands later; `{{name|quote}}` in a request is percent-encoded, and
`{{name|forged}}` has another signature. `~` is the value of a header that changes by itself. Content-Length is added to a
request with a body. `\\n` at the end of a body is a line end.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
_NAMED = re.compile(r"\{\{(\w+)(?:\|(\w+))?\}\}")


def _forged(token):
    head, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return f"{head}.{urlsafe_b64encode(raw[::-1]).decode().rstrip('=')}"


NEVER_THE_SAME = {"expires", "seconds", "timestamp"}
"""Times: whatever comes there."""
FILTERS = {"": str, "quote": lambda value: quote(value, safe=""), "forged": _forged}


@dataclass(frozen=True)
class Recorded:
    title: str
    request: str
    answer: str

    def raw(self, known):
        """The request's bytes, with what earlier answers told in its place."""
        text = _NAMED.sub(lambda found: FILTERS[found[2] or ""](known[found[1]]), self.request)
        head, _, body = text.partition("\n\n")
        length = [f"Content-Length: {len(body.encode())}"] if body else []
        return "\r\n".join([*head.split("\n"), *length]).encode() + b"\r\n\r\n" + body.encode()

    def expected(self, known):
        """What the answer has to match, whole."""
        head, _, body = self.answer.partition("\n\n")
        if body.endswith("\\n"):
            body = body.removesuffix("\\n") + "\n"
        text = head.replace("\n", "\r\n") + "\r\n\r\n" + body
        seen, parts, end = set(), [], 0
        for found in _NAMED.finditer(text):
            parts.append(re.escape(text[end : found.start()]))
            parts.append(self._named(found[1], known, seen))
            end = found.end()
        parts.append(re.escape(text[end:]))
        return re.compile("".join(parts).replace(re.escape(": ~"), ": [^\r\n]+"))

    @staticmethod
    def _named(name, known, seen):
        if name in NEVER_THE_SAME:
            return '[^;",\r\n]+(?:, [^;"\r\n]+)?'
        if name in known:
            return re.escape(known[name])
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>[A-Za-z0-9._~+/=:-]+)"


def recorded(name):
    """The exchanges of one file, in their order."""
    sections = re.split(r"^### ", (GOLDEN / f"{name}.http").read_text(), flags=re.MULTILINE)[1:]
    for section in sections:
        title, _, rest = section.partition("\n")
        request, _, answer = rest.partition("\n---\n")
        yield Recorded(title, request.strip("\n"), answer.rstrip("\n"))
