"""The threat model names tests: each of them has to be there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()


def test_every_test_that_the_threat_model_names_is_there():
    there = set(
        re.findall(r"def (test_\w+)", "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py")))
    )
    named = set(re.findall(r"(?<![/\w])(test_\w+)(?!\w*\.py)", MODEL))

    assert len(named) > 80
    assert sorted(named - there) == []
    assert [path for path in re.findall(r"tests/[\w/]+\.\w+", MODEL) if not (ROOT / path).exists()] == []


def test_every_row_has_a_test():
    rows = [line for line in MODEL.partition("## Lessons")[2].splitlines() if line.startswith("| ")]

    assert len(rows) > 55
    assert not [row for row in rows[1:] if "test" not in row.rsplit("|", 2)[1]]
