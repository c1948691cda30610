"""Joins the tables of docs/dialects/*.md into docs/dialects.md: `python tests/fakes/dialect_tables.py` writes it."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
JOINED = DOCS / "dialects.md"
SYSTEMS = {
    "idempiere": "iDempiere",
    "jdx": "JDX Odoo REST",
    "odoo": "Odoo web session",
    "itempath": "ItemPath",
    "jmix": "Jmix",
}
HEAD = """\
# The dialects, feature by feature

What each system puts on the wire, which test sends it, and whether the system's documentation says so or a switch of the
login selects it. The page of each dialect has its switches and what differs on purpose; `native` and `oauth2`:
[logins.md](logins.md). These are the tables of those pages: `python tests/fakes/dialect_tables.py` joins them. The
exchanges themselves stand as bytes in `tests/golden`, one file for each dialect.

| system | feature | test | documented or by switch |
|---|---|---|---|
"""
WORDS = {"D": "documented", "S": "as in its source"}


def rows(page):
    """(feature, tests, source) of each row in a page's tables of features."""
    inside = False
    for line in page.read_text().splitlines():
        inside = line.startswith("|") and (inside or line.lower().startswith("| feature |"))
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if inside and cells[0].lower() != "feature" and set(cells[0]) != {"-"}:
            yield cells


def source(cell):
    words = [WORDS.get(word, word) for word in cell.split(", ")]
    return ", ".join(f"by {word}" if word.startswith("`") else word for word in words)


def joined():
    lines = [
        f"| [{title}](dialects/{name}.md) | {feature} | {tests} | {source(cell)} |"
        for name, title in SYSTEMS.items()
        for feature, tests, cell in rows(DOCS / "dialects" / f"{name}.md")
    ]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    JOINED.write_text(joined())
