"""The tables of docs/dialects name tests that there are, and stand in docs/dialects.md."""

import re
from pathlib import Path

import pytest
from fakes.dialect_tables import DOCS, JOINED, SYSTEMS, joined, rows

from gateway.dialects import DIALECTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "dialects").glob("*.md"))
THERE = {
    name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_table_names_is_there(page):
    named = set(re.findall(r"\btest_\w+", page.read_text()))

    assert named
    assert named - THERE == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_of_a_table_of_features_names_a_test(page):
    rows = [row for row in page.read_text().splitlines() if row.startswith("|") and "test_" not in row]
    features = page.read_text().partition("| feature |")[2].partition("\n\n")[0].splitlines()[2:]

    assert not [row for row in rows if row in features]


def test_the_joined_table_is_what_the_pages_say():
    """`python tests/fakes/dialect_tables.py` writes it anew."""
    assert JOINED.read_text() == joined()


def test_every_row_of_the_joined_table_names_a_test_and_its_source():
    pages = {page.stem for page in PAGES}
    cells = {name: list(rows(DOCS / "dialects" / f"{name}.md")) for name in pages}

    assert pages == set(SYSTEMS) == set(DIALECTS) - {"native", "oauth2"}
    assert all(len(table) > 15 for table in cells.values())
    assert [row for table in cells.values() for row in table if "test_" not in row[1] or not row[2]] == []
