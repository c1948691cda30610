"""The README and the first steps hold as they are written: their files are saved, their lines run in bash."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.erp import Erp
from fakes.gateway_process import GatewayProcess

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(yaml|sh|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEREABOUTS = re.compile(r"http://127\.0\.0\.1:(8080|9000)\b")


@pytest.fixture
def erp():
    erp = Erp()
    yield erp
    erp.stop()


@pytest.fixture
def directory(tmp_path):
    """Where a reader would work, with `gateway` on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gateway").write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    (programs / "gateway").chmod(0o755)
    return tmp_path


class Shell:
    """One bash for a whole page, as in a reader's terminal."""

    END = "=== that was it ==="

    def __init__(self, directory, environ):
        variables = {**os.environ, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}", **environ}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self._bash = subprocess.Popen(["bash"], cwd=directory, env=variables, text=True, **pipes)

    def run(self, line):
        self._bash.stdin.write(f"{line}\necho; echo '{self.END}'\n")
        self._bash.stdin.flush()
        shown = []
        while (read := self._bash.stdout.readline().rstrip("\n")) != self.END:
            shown.append(read)
        return "\n".join(shown).strip()

    def end(self):
        self._bash.stdin.close()
        self._bash.stdout.close()
        self._bash.wait(60)


class Reader:
    """Does what a page says, in its order: saves what it shows as config.yaml and pastes its lines."""

    def __init__(self, directory, erp):
        self._config = directory / "config.yaml"
        self._sections = {}
        self.gateway = GatewayProcess(directory)
        self._ports = {"8080": self.gateway.port, "9000": erp.port}
        self._shell = Shell(directory, {"GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{self.gateway.admin_port}"})

    def save(self, block):
        """Sections of the block replace those of the same name."""
        for section in re.split(r"^(?=\w)", self._here(block), flags=re.MULTILINE):
            if section:
                self._sections[section.partition(":")[0]] = section
        new = self._config.with_suffix(".new")
        new.write_text("".join(self._sections.values()))
        new.rename(self._config)

    def paste(self, block):
        """Of each line with an expectation: the line, what it showed, and what the page says it shows."""
        results = []
        for line in block.splitlines():
            command, _, expected = line.partition("  # ")
            shown = self._shell.run(self._here(command))
            results += [(command, shown, expected)] if expected else []
        return results

    def reload(self):
        told = self._shell.run("gateway reload && echo done")
        assert told.endswith("done"), told

    def end(self):
        self._shell.end()
        assert self.gateway.stop() == 0

    def _here(self, text):
        return HEREABOUTS.sub(lambda found: f"http://127.0.0.1:{self._ports[found[1]]}", text)


@pytest.fixture
def reader(directory, erp):
    reader = Reader(directory, erp)
    yield reader
    reader.end()


def test_the_first_steps_hold_as_they_are_written(reader, erp):
    checked = 0
    for kind, block in BLOCK.findall((ROOT / "docs" / "getting-started.md").read_text()):
        if kind == "yaml":
            reader.save(block)
            if checked:
                reader.reload()
        elif kind == "console" and "gateway run" in block:
            reader.gateway.start()
        elif kind == "sh":
            for line, shown, expected in reader.paste(block):
                assert shown == expected, f"{line}\n{reader.gateway.stderr}"
                checked += 1

    assert checked == 19
    assert {credential for seen in erp.seen for credential in seen.all("Authorization")} == {
        "Bearer of-the-erp",
        "Bearer what-the-erp-expects",
    }


def test_the_readme_holds_as_it_is_written(reader, erp):
    page = (ROOT / "README.md").read_text().partition("## In front of your own API")[2]
    (config,) = [block for kind, block in BLOCK.findall(page) if kind == "yaml"]
    (lines,) = [block for kind, block in BLOCK.findall(page) if kind == "sh"]
    reader.save(config)
    reader.gateway.start()

    reader.paste(lines)

    assert erp.last.target == "/anything"
    assert erp.last.one("X-Auth-User") == "me"
    assert erp.last.all("Authorization") == []
