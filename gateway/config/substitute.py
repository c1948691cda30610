"""`${VAR}`, `${VAR:-default}` and `$${` in text."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(:-([^{}]*))?\})?")


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """The text with its variables filled in, once: what a variable holds is not looked at again.

    `$${` is a literal `${`. A default stands in for a variable that is not set or empty, as in a shell. Raises
    ValueError for a malformed reference and for a variable that is not set and has no default.
    """

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if not match[1]:
            raise ValueError("holds a malformed variable: write ${NAME}, ${NAME:-default}, or $${ for a literal ${")
        if match[2]:
            return environ.get(match[1]) or match[3]
        if match[1] not in environ:
            raise ValueError(f"the environment variable {match[1]} is not set; ${{{match[1]}:-…}} gives it a default")
        return environ[match[1]]

    return _REFERENCE.sub(fill, text)
