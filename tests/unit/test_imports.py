"""The house rules, read off the syntax trees: imports run one way, files stay short, nothing unpickles.

Each check is also run on a copy of the tree with a breach planted in it: a check that finds nothing anywhere is no check.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {"engine": {"engine"}, "explorer": {"engine", "explorer"}, "pages": {"engine", "explorer"}}
LINES, PAGE_LINES, WIDTH, LOOSE = 400, 100, 140, 4

# A room imports from the rooms of its own row and of those above it, lazily too; __init__ is what `import engine` gives.
ROWS = (
    {"core"}, {"archs", "datasets", "film"}, {"nets"}, {"learn"}, {"tasks"}, {"kinds"}, {"presets"}, {"plan", "make"}, {"zoos"},
    {"host"}, {"jobs"}, {"api", "library", "__init__"}, {"bench", "soak", "papers"}, {"docs"}, {"cli"}, {"__main__"},
)  # fmt: skip


def sources(root: Path, *rooms: str) -> Iterator[tuple[str, ast.Module]]:
    """(path relative to root, tree) of every Python file of those rooms."""
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            yield path.relative_to(root).as_posix(), parsed(path.read_text("utf-8"))


@cache
def parsed(text: str) -> ast.Module:
    """Once a text: a copy of the tree with a breach is but one file of another."""
    return ast.parse(text)


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every absolute import, inside functions too."""
    for node in nodes(tree):
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
        for node in nodes(tree):
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


def scrambles(root: Path) -> list[str]:
    """Arrays that are written past core/tensors.py, which lays them row by row first."""
    found = []
    for path, tree in sources(root, *MAY_IMPORT):
        if path != "engine/core/tensors.py":
            saving = [(line, name) for line, name in imported(tree) if name.startswith("safetensors.numpy.save")]
            found += [f"{path}:{line} imports {name}" for line, name in saving]
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


def too_wide(root: Path) -> list[str]:
    """Lines of more than 140 characters."""
    found = []
    for room in (*MAY_IMPORT, "tests"):
        for path in sorted(file for file in (root / room).rglob("*") if file.suffix in {".py", ".js", ".css"}):
            wide = [number for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if len(line) > WIDTH]
            if wide:
                found.append(f"{path.relative_to(root).as_posix()} has {len(wide)} lines of more than {WIDTH} characters: {wide[:5]}")
    return found


def too_loose(root: Path) -> list[str]:
    """More than four files beside the engine's rooms."""
    files = sorted(path.name for path in (root / "engine").glob("*.py"))
    return [f"engine/{name} is one of {len(files)} loose files" for name in files] if len(files) > LOOSE else []


def modules(root: Path) -> dict[str, set[str]]:
    """Each of the engine's modules, by its name below it, and which of them it imports, lazily too; not what only types need."""
    trees = {path.removesuffix(".py"): tree for path, tree in sources(root, "engine")}
    names = {path.removesuffix("/__init__").replace("/", "."): (path, tree) for path, tree in trees.items()}
    graph = {}
    for name, (path, tree) in names.items():
        package = path.split("/")
        imports = set()
        for node in running(tree):
            if isinstance(node, ast.Import):
                imports |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level] if node.level else []
                base = ".".join([*base, *([node.module] if node.module else [])])
                imports |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in names else base for alias in node.names}
        graph[name] = {each for each in imports if each in names and each != name}
    below = {name: name.removeprefix("engine").removeprefix(".") or "__init__" for name in graph}
    return {below[name]: {below[each] for each in imports} for name, imports in graph.items()}


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree without what stands under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from running(node)


def upward(root: Path) -> list[str]:
    """Imports of a room from one further down in ROWS."""
    row = {room: number for number, rooms in enumerate(ROWS) for room in rooms}
    found = []
    for name, imports in modules(root).items():
        here = name.split(".")[0]
        for there in sorted({each.split(".")[0] for each in imports}):
            if row.get(there, -1) > row.get(here, -1):
                found.append(f"engine/{name.replace('.', '/')} imports {there}")
    return found


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: not those of functions, nor what only types need."""
    for node in ast.iter_child_nodes(tree):
        checking = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if not checking and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from at_import(node)


def of_screens(root: Path) -> dict[str, set[str]]:
    """Each of the explorer's modules, by its name below it, and which of them it imports as it is imported."""
    trees = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): tree for path, tree in sources(root, "explorer")}
    graph: dict[str, set[str]] = {}
    for name, tree in trees.items():
        named = [node for node in at_import(tree) if isinstance(node, ast.ImportFrom) and node.module]
        imports = {each for node in named for alias in node.names for each in (node.module, f"{node.module}.{alias.name}")}
        graph[name.removeprefix("explorer.")] = {each.removeprefix("explorer.") for each in imports - {name, "explorer"} if each in trees}
    return graph


def rings(root: Path) -> list[str]:
    """The explorer's modules that import each other as they are imported: two threads that begin at two of them, as one that warms up and
    one that runs a page do, would see each other's unfinished."""
    return [line.replace("engine/", "explorer/", 1) for line in circles(root, of_screens)]


def circles(root: Path, of=modules) -> list[str]:
    """Modules that import each other, through others too."""
    graph, found, seen = of(root), [], set()

    def reached(start: str) -> set[str]:
        inside, waiting = set(), [start]
        while waiting:
            new = graph[waiting.pop()] - inside
            inside |= new
            waiting.extend(new)
        return inside

    reach = {name: reached(name) for name in graph}
    for name in sorted(graph):
        circle = {each for each in reach[name] if name in reach[each]}
        if circle and name not in seen:
            seen |= circle
            found += [f"engine/{each.replace('.', '/')} is in a circle: {', '.join(sorted(circle))}" for each in sorted(circle)]
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
        for node in nodes(tree):
            if not isinstance(node, ast.ImportFrom) or node.level or node.module not in has:
                continue
            for alias in node.names:
                if f"{node.module}.{alias.name}" in has:
                    called[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                elif alias.name not in has[node.module]:
                    found.append(f"{path}:{node.lineno} {node.module} has no {alias.name}")
        for node in nodes(tree):  # a local variable may hide a module
            called.pop(
                node.id
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                else node.arg
                if isinstance(node, ast.arg)
                else "",
                None,
            )
        for node in nodes(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in called:
                module = called[node.value.id]
                if node.attr not in has[module] and not node.attr.startswith("__"):
                    found.append(f"{path}:{node.lineno} {module} has no {node.attr}")
    return found


@pytest.mark.parametrize(
    "check",
    [wrong_way, unpickles, scrambles, too_long, too_wide, too_loose, upward, circles, rings, missing_names],
    ids=lambda check: check.__name__,
)
def test_the_tree_keeps_the_rule(check):
    assert any(sources(ROOT, "engine")) and any(sources(ROOT, "pages")), "nothing was looked at"
    assert check(ROOT) == []


@pytest.mark.parametrize(
    ("check", "path", "breach"),
    [
        (wrong_way, "engine/nets/prep.py", "import streamlit as st"),
        (wrong_way, "engine/nets/prep.py", "from explorer import state"),
        (wrong_way, "engine/nets/prep.py", "def late():\n    import pages.home"),
        (wrong_way, "explorer/state.py", "from pages import home"),
        (unpickles, "engine/nets/prep.py", "import pickle"),
        (unpickles, "explorer/state.py", "from torch import load"),
        (unpickles, "engine/nets/prep.py", "torch.load('x.pt', weights_only=True)"),
        (unpickles, "engine/nets/reading.py", "torch.load('x.pt')"),
        (unpickles, "engine/nets/prep.py", "np.load('x.npy', allow_pickle=True)"),
        (scrambles, "engine/jobs/work.py", "def late():\n    from safetensors.numpy import save_file"),
        (missing_names, "explorer/lso.py", "fits = work.NO_SUCH_NAME"),
        (missing_names, "engine/nets/prep.py", "from engine.core.frames import no_such_name"),
        (too_wide, "engine/nets/prep.py", f"x = '{'x' * WIDTH}'"),
        (too_wide, "explorer/components/live.js", f"// {'x' * WIDTH}"),
        (too_wide, "explorer/app.css", f"/* {'x' * WIDTH} */"),
        (too_loose, "engine/one_more.py", "x = 0"),
        (upward, "engine/core/slugs.py", "from ..nets import prep"),
        (upward, "engine/nets/prep.py", "def late():\n    from engine.kinds import kind"),
        (upward, "engine/host/live.py", "import engine.cli.jobs"),
        (circles, "engine/core/errors.py", "def late():\n    from . import artifacts"),
        (circles, "engine/nets/prep.py", "def late():\n    from ..host import host"),
        (rings, "explorer/cards.py", "from explorer import controls"),
        (too_long, "engine/nets/prep.py", "x = 0\n" * LINES),
        (too_long, "pages/home.py", "x = 0\n" * PAGE_LINES),
    ],
)
def test_a_planted_breach_is_noticed(check, path, breach, tmp_path):
    for room in MAY_IMPORT:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    with open(tmp_path / path, "a") as file:
        file.write(f"\n{breach}\n")
    assert [line for line in check(tmp_path) if line.startswith(path.removesuffix(".py"))]
