"""The image of deploy/Dockerfile without Docker: the commands of its build stage, run on exactly the files it copies."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fakes.deploy_tools import DEPLOY, ROOT
from fakes.fronts import replaced

NOBODY = 65532
"""The user of the image; only root can become it, so anyone else tries it as who they are."""


def instructions():
    """The Dockerfile as (instruction, rest) pairs, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [tuple(line.split(None, 1)) for line in re.sub(r"\\\n", " ", text).splitlines() if line.strip()]


def stage(number):
    """The instructions of one stage, the first being 0."""
    starts = [index for index, (word, _) in enumerate(instructions()) if word == "FROM"]
    return instructions()[starts[number] :][: [*starts, len(instructions())][number + 1] - starts[number]]


def copied():
    """What the build stage copies from the project."""
    return [name for word, rest in stage(0) if word == "COPY" for name in rest.split()[:-1]]


def reachable_python():
    """A Python that the image's user can start: root's own may lie where nobody else gets to."""
    own = Path(sys.executable).resolve()
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in own.parents):
        return own
    return Path("/usr/bin/python3")


class Image:
    """What would be in the image, in a directory that everybody may read and only its owner may write."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.chmod(0o755)
        self.programs = self.directory / "opt" / "bin"

    def build(self):
        source = self.directory / "src"
        source.mkdir()
        for name in copied():
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, source / name)
        (script,) = [rest for word, rest in stage(0) if word == "RUN"]
        script = replaced(
            script,
            ("/wheels", self.directory / "wheels"),
            ("/opt/gateway", self.directory / "opt"),
            ("--no-cache-dir", ""),
            ("python -m venv", f"{reachable_python()} -m venv"),
        )
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(["sh", "-ec", script], cwd=source, check=True, env=os.environ | {"PATH": path}, timeout=900)
        return self

    def command(self, *words):
        """The words of a command line that runs the image's gateway as the image's user."""
        program = [str(self.programs / "gateway"), *map(str, words)]
        if os.geteuid() != 0:
            return program
        ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--inh-caps=-all"]
        return ["setpriv", *ids, *program]

    def run(self, *words, cwd="/", **environ):
        """Its exit code and all that it said."""
        done = subprocess.run(
            self.command(*words),
            cwd=cwd,
            env={"PATH": f"{self.programs}:/usr/bin:/bin", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=100,
        )
        return done.returncode, done.stdout
