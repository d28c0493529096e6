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


def names_of(root: Path) -> dict[str, set[str]]:
    """What each of our modules has: names bound at its top level, and a package's modules."""
    has: dict[str, set[str]] = {}
    for path, tree in sources(root, *MAY_IMPORT):
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names, inside = has.setdefault(module, set()), list(tree.body)
        while inside:
            node = inside.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
                continue
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            inside.extend(ast.iter_child_nodes(node))
        if "." in module:
            has.setdefault(module.rpartition(".")[0], set()).add(module.rpartition(".")[2])
    return has


def missing_names(root: Path) -> list[str]:
    """`module.name` and `from module import name` where our module of that name has no such name: it was moved, or misspelt."""
    has, found = names_of(root), []
    for path, tree in sources(root, *MAY_IMPORT):
        called: dict[str, str] = {}  # the name here: the module
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or node.level or node.module not in has:
                continue
            for alias in node.names:
                if f"{node.module}.{alias.name}" in has:
                    called[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                elif alias.name not in has[node.module]:
                    found.append(f"{path}:{node.lineno} {node.module} has no {alias.name}")
        for node in ast.walk(tree):  # a local variable may hide a module
            called.pop(node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else node.arg if isinstance(node, ast.arg) else "", None)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in called:
                module = called[node.value.id]
                if node.attr not in has[module] and not node.attr.startswith("__"):
                    found.append(f"{path}:{node.lineno} {module} has no {node.attr}")
    return found


@pytest.mark.parametrize("check", [wrong_way, unpickles, too_long, missing_names], ids=lambda check: check.__name__)
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
        (missing_names, "explorer/lso.py", "fits = work.NO_SUCH_NAME"),
        (missing_names, "engine/prep.py", "from engine.frames import no_such_name"),
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
