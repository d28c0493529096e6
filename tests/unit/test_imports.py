"""The house rules, read off the syntax trees: imports run one way, files stay short, nothing unpickles.

Each check is also run on a copy of the tree with a breach planted in it: a check that finds nothing anywhere is no check.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {"engine": {"engine"}, "explorer": {"engine", "explorer"}, "pages": {"engine", "explorer"}}
LINES, PAGE_LINES = 400, 100


def sources(root: Path, *rooms: str) -> Iterator[tuple[str, ast.Module]]:
    """(path relative to root, tree) of every Python file of those rooms."""
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8"), str(path))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every absolute import, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def wrong_way(root: Path) -> list[str]:
    """Imports against the direction pages -> explorer -> engine, and Streamlit in the engine."""
    found = []
    for path, tree in sources(root, *MAY_IMPORT):
        room = path.split("/")[0]
        for line, name in imported(tree):
            top = name.split(".")[0]
            if top in MAY_IMPORT and top not in MAY_IMPORT[room] or room == "engine" and top == "streamlit":
                found.append(f"{path}:{line} imports {name}")
    return found


def unpickles(root: Path) -> list[str]:
    """Every way to unpickle: the modules that do, torch.load outside of reading.py or without weights_only=True, allow_pickle."""
    found = []
    for path, tree in sources(root, *MAY_IMPORT):
        for line, name in imported(tree):
            if name.split(".")[0] in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve"} or name == "torch.load":
                found.append(f"{path}:{line} imports {name}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "read_pickle":
                found.append(f"{path}:{node.lineno} read_pickle")
            if not isinstance(node, ast.Call):
                continue
            keywords = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            if ast.unparse(node.func) == "torch.load" and (path != "engine/nets/reading.py" or keywords.get("weights_only") is not True):
                found.append(f"{path}:{node.lineno} torch.load")
            if keywords.get("allow_pickle", False) is not False:
                found.append(f"{path}:{node.lineno} allow_pickle")
    return found


def too_long(root: Path) -> list[str]:
    """Files of more than 400 lines; screens of 100 or more."""
    found = []
    for room in (*MAY_IMPORT, "tests"):
        for path in sorted(file for file in (root / room).rglob("*") if file.suffix in {".py", ".js", ".css"}):
            lines = len(path.read_text("utf-8").splitlines())
            if lines > LINES or room == "pages" and lines >= PAGE_LINES:
                found.append(f"{path.relative_to(root)} has {lines} lines")
    return found


@pytest.mark.parametrize("check", [wrong_way, unpickles, too_long], ids=lambda check: check.__name__)
def test_the_tree_keeps_the_rule(check):
    assert any(sources(ROOT, "engine")) and any(sources(ROOT, "pages")), "nothing was looked at"
    assert check(ROOT) == []


@pytest.mark.parametrize(
    ("check", "path", "breach"),
    [
        (wrong_way, "engine/prep.py", "import streamlit as st"),
        (wrong_way, "engine/prep.py", "from explorer import state"),
        (wrong_way, "engine/prep.py", "def late():\n    import pages.home"),
        (wrong_way, "explorer/state.py", "from pages import home"),
        (unpickles, "engine/prep.py", "import pickle"),
        (unpickles, "explorer/state.py", "from torch import load"),
        (unpickles, "engine/prep.py", "torch.load('x.pt', weights_only=True)"),
        (unpickles, "engine/nets/reading.py", "torch.load('x.pt')"),
        (unpickles, "engine/prep.py", "np.load('x.npy', allow_pickle=True)"),
        (too_long, "engine/prep.py", "x = 0\n" * LINES),
        (too_long, "pages/home.py", "x = 0\n" * PAGE_LINES),
    ],
)
def test_a_planted_breach_is_noticed(check, path, breach, tmp_path):
    for room in MAY_IMPORT:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    with open(tmp_path / path, "a") as file:
        file.write(f"\n{breach}\n")
    assert [line for line in check(tmp_path) if line.startswith(path)]
