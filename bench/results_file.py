"""RESULTS.md has one part for each program that measures: each writes its own and leaves the others as they are."""

from pathlib import Path

FILE = Path(__file__).resolve().parent / "RESULTS.md"


def put(text: str, file: Path = FILE) -> None:
    """Write a part, which begins with its `# title`, in the place of the one of that title, else at the end."""
    title = text.splitlines()[0]
    parts = split(file.read_text()) if file.exists() else []
    text = text.rstrip("\n") + "\n"
    titles = [part.splitlines()[0] for part in parts]
    if title in titles:
        parts[titles.index(title)] = text
    else:
        parts.append(text)
    file.write_text("\n".join(parts))


def split(text: str) -> list[str]:
    """The parts of a file, each with one line end at its end."""
    parts: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("# ") or not parts:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part).rstrip("\n") + "\n" for part in parts]
