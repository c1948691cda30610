"""The rules of the house that no other tool watches: sizes, registries, mirrored tests, vocabulary, a valid config.yaml."""

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from gateway.config.load import load

ROOT = Path(__file__).resolve().parents[1]
GATEWAY = ROOT / "gateway"
MODULES = sorted(GATEWAY.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FILE_CAP = 300
FUNCTION_CAP = 50

# Where a variant is one file plus one line: each file has to be reached from the registry in __init__.py.
REGISTRIES = ["dialects", "identity_providers", "authn/sources", "upstream/injectors"]

# Modules without a unit test of their own name, each with its reason.
UNMIRRORED = {
    "__main__.py": "calls cli.main and nothing else",
    "upstream/sink.py": "protocols only: what they ask is tried in test_upstream_connection.py",
}

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def inside(path):
    return path.relative_to(GATEWAY).as_posix()


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=inside)
def test_a_module_is_short_and_opens_with_its_purpose(path):
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree), "a module says in one sentence what it is for"
    assert len(path.read_text().splitlines()) <= FILE_CAP
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < FUNCTION_CAP, f"{node.name} is longer than {FUNCTION_CAP} lines"


def mirrors(path):
    """tests/unit/x/test_x_y.py for gateway/x/y.py; for x/z/y.py either of test_z_y.py and test_x_z_y.py."""
    folders = path.relative_to(GATEWAY).parts[:-1]
    names = {"_".join((*folders, path.stem)), "_".join((*folders[-1:], path.stem))}
    return [ROOT.joinpath("tests", "unit", *folders, f"test_{name}.py") for name in names]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name != "__init__.py" and inside(path) not in UNMIRRORED], ids=inside
)
def test_a_module_has_a_unit_test_in_the_same_place(path):
    assert any(mirror.exists() for mirror in mirrors(path)), (
        f"none of {[str(m.relative_to(ROOT)) for m in mirrors(path)]}"
    )


def test_the_list_of_modules_without_a_unit_test_names_only_what_is_there():
    assert all((GATEWAY / name).exists() for name in UNMIRRORED)


def imports_of(path):
    """Dotted names that a file imports; `from a import b` gives both a and a.b, since b may be a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", REGISTRIES)
def test_every_variant_stands_in_its_registry(folder):
    package = "gateway." + folder.replace("/", ".")
    files = {f"{package}.{path.stem}": path for path in (GATEWAY / folder).glob("*.py") if path.name != "__init__.py"}
    reached, waiting = set(), list(imports_of(GATEWAY / folder / "__init__.py"))
    while waiting:
        name = waiting.pop()
        if name in files and name not in reached:
            reached.add(name)
            waiting.extend(imports_of(files[name]))

    assert files
    assert reached == set(files)


@pytest.mark.parametrize("path", MODULES, ids=inside)
def test_aiohttp_web_is_imported_in_admin_and_demo_only(path):
    if inside(path).startswith(("admin/", "demo/")):
        return

    assert not [name for name in imports_of(path) if name.startswith("aiohttp.web")]


@pytest.mark.parametrize("path", MODULES, ids=inside)
def test_a_module_is_named_after_what_it_holds(path):
    assert not VAGUE & {part.removesuffix(".py") for part in path.relative_to(GATEWAY).parts}


def test_test_files_have_names_of_their_own():
    """There are no packages in tests/: two files of one name would shadow each other."""
    twice = [
        name for name, times in Counter(path.name for path in TESTS if path.name != "conftest.py").items() if times > 1
    ]

    assert twice == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_left_out_in_silence(path):
    left_out = re.compile(
        r"\b(pytest\.(skip|importorskip)|mark\.(skip|skipif|x" r"fail)|unittest\.mock|TO" r"DO|FIX" r"ME)\b"
    )

    assert not [line for line in path.read_text().splitlines() if left_out.search(line) and "left_out" not in line]


def test_no_file_names_a_place_on_somebodys_machine():
    place = re.compile(rb"(?<![\w.{}/])/(home|root|Users)/\w")

    found = [path.relative_to(ROOT).as_posix() for path in tracked_files() if place.search(path.read_bytes())]

    assert found == []


def test_the_shipped_config_loads():
    loaded = load(ROOT / "config.yaml", {})

    assert loaded.config.routes


def test_the_config_in_the_readme_loads(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    file = tmp_path / "config.yaml"
    file.write_text(blocks[0])

    loaded = load(file, {})

    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) == 10
    assert loaded.config.upstreams
