"""A decision as people read it: on the command line and in the console alike."""

from collections.abc import Mapping
from typing import Any


def spell(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each part of it and what was found, the outcome last; `found` is an `Explanation` as the API answers it."""
    steps = [(step["part"], step["verdict"]) for step in found["steps"]]
    identity = ", ".join(f"{key} {value}" for key, value in found["identity"].items() if value)
    outcome = {
        "forward": f"forwarded to {found['upstream']} by route {found['route']}",
        "endpoint": "answered by the gateway itself",
    }.get(found["outcome"], f"refused with {found['status']}")
    return [(part, said) for part, said in (*steps, ("identity", identity), ("outcome", outcome)) if said]
