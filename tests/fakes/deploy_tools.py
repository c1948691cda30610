"""Where the programs are that check what deploy/ ships; `make test` installs them."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = ROOT / ".test-tools" / "deploy"


def tool(name):
    """The path of a program. A missing one is an error, never a test left out."""
    found = shutil.which(name, path=f"{TOOLS / 'bin'}:/usr/bin:/bin:/usr/sbin")
    assert found, f"{name} is missing: `make test` installs it"
    return found


def run(*words, **options):
    """Run a tool; returns its exit code and all that it said."""
    done = subprocess.run(
        [tool(words[0]), *map(str, words[1:])],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=110, **options,
    )  # fmt: skip
    return done.returncode, done.stdout


def said(*words, **options):
    """What a tool said that had to succeed."""
    code, output = run(*words, **options)
    assert code == 0, output
    return output
