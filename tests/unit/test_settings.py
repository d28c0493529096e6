"""What a person sets in the environment is read in one place and documented; nothing inside sets a variable to tell another part."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from engine.core import settings
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.datasets import prepared

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "engine" / "core" / "settings.py"
DISPLAYS = {"DISPLAY", "WAYLAND_DISPLAY"}  # the desktop's, which `python -m explorer --open` asks


def touched(source: str) -> list[int]:
    """The lines that read or set the environment, other than to ask for a display."""
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv", "environb")
    ]
    return [line for line in lines if not set(re.findall(r'"(\w+)"', source.splitlines()[line - 1])) & DISPLAYS]


def test_the_environment_is_touched_in_one_file():
    files = [path for room in ("engine", "explorer", "pages") for path in (ROOT / room).rglob("*.py")]
    assert [path for path in files if touched(path.read_text("utf-8"))] == [SETTINGS]
    assert touched('import os\nos.environ["EXPLORER_THREADS"] = "1"') == [2]  # the check sees a breach


def test_each_variable_is_documented():
    named = set(re.findall(r'"(EXPLORER_\w+|CHROMIUM)"', SETTINGS.read_text("utf-8")))
    table = set(re.findall(r"^\| `(EXPLORER_\w+|CHROMIUM)` \|", (ROOT / "docs" / "hosting.md").read_text("utf-8"), re.M))
    assert named == table and len(named) >= 9


def test_a_workspace_that_is_named_takes_precedence_and_is_given_to_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "set"))
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with settings.working_in("named"):
        assert Store().workspace == Path("named") and prepared.home() == Path("named") / "datasets"
        found = settings.environment("EXPLORER_JOBS", OMP_NUM_THREADS="1")
        assert found["EXPLORER_WORKSPACE"] == str(tmp_path / "named") and found["OMP_NUM_THREADS"] == "1"
        with settings.working_in(None):
            assert settings.workspace() == Path("named")
    assert Store().workspace == tmp_path / "set" and prepared.home() == tmp_path / "set" / "datasets"


def test_seconds_between_checkpoints_are_a_number(monkeypatch):
    for wrong in ("often", "nan", "inf", "-1"):
        monkeypatch.setenv("EXPLORER_CHECKPOINT_SECONDS", wrong)
        with pytest.raises(InvalidValue, match="EXPLORER_CHECKPOINT_SECONDS"):
            settings.checkpoint_seconds()
    monkeypatch.setenv("EXPLORER_CHECKPOINT_SECONDS", "0")
    assert settings.checkpoint_seconds() == 0
    monkeypatch.delenv("EXPLORER_CHECKPOINT_SECONDS")
    assert settings.checkpoint_seconds() == settings.CHECKPOINT_SECONDS
