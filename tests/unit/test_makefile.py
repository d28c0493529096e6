"""What a person is told whose machine lacks something: one line with a remedy, exit code 2, and nothing made."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path):
    """Run a target on a machine that has nothing but these commands, as a person without rights."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("cat", "cksum", "tr", "rm"):
        (bin_ / name).symlink_to(shutil.which(name))

    def run(target: str, **scripts: str) -> subprocess.CompletedProcess:
        for name, text in {"id": "echo 1000", **scripts}.items():
            (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin_ / name).chmod(0o755)
        command = [shutil.which("make"), "--no-print-directory", "-s", f"VENV={tmp_path / 'venv'}", target]
        return subprocess.run(command, cwd=ROOT, env={"PATH": str(bin_)}, capture_output=True, text=True, timeout=60)

    yield run
    assert not (tmp_path / "venv").exists()


def remedy(ended: subprocess.CompletedProcess) -> str:
    """The one line on standard error, without make's own closing line."""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert ended.returncode == 2 and len(lines) == 1, ended.stderr
    return lines[0]


def test_no_python(bare):
    assert "Python 3.11 or newer is needed: install it" in remedy(bare("setup"))


def test_an_old_python(bare):
    assert "Python 3.11 or newer is needed: install it" in remedy(bare("setup", python3="exit 1"))


def test_a_python_without_venv(bare):
    said = remedy(bare("setup", python3='test "$1" = -c'))
    assert "apt-get install python3-venv" in said


def test_no_browser(bare):
    assert "apt-get install chromium" in remedy(bare("browser"))


def test_a_browser_of_any_known_name(bare):
    assert bare("browser", **{"google-chrome": "exit 0"}).returncode == 0


def test_the_tests_look_for_the_same_browsers_as_make():
    first, others = re.findall(r'^\tfound (?:"\$\$CHROMIUM" )?(.*); \\$', (ROOT / "Makefile").read_text(), re.M)
    conftest = re.search(r"^NAMES = \((.*)\)", (ROOT / "tests/browser/conftest.py").read_text(), re.M)[1]
    assert [first, *others.split()] == [name.strip().strip('"') for name in conftest.split(",")]


def test_the_audit_where_nothing_can_be_asked_says_so_in_one_line_and_passes(tmp_path):
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    command = [shutil.which("make"), "--no-print-directory", "-s", f"VENV={tmp_path / 'venv'}", "RUN_STAMP=", "audit"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0 and ended.stdout.count("\n") == 1 and "not checked" in ended.stdout
