"""README's "Bring your own network": its file and its six commands, word by word, one after the other; then the same in Python, as
docs/api.md has it. Two commands are cut short by options of their own, which is said below."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.core.artifacts import Store

pytestmark = pytest.mark.usefixtures("one_thread", "read_here")
ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
API = (ROOT / "docs" / "api.md").read_text("utf-8").partition("A network of your own")[2]
SECTION = README.partition("## Bring your own network\n")[2].partition("\n## ")[0]
SHORT = {"--steps": "5"}  # of the NeRN's 2000: a minute that shows nothing more
BOUNDS = {"train": ["--measured", "32"], "place": ["--steps", "10"]}


def block(language: str, text: str = SECTION) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return found[0]


def commands() -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in block("sh").splitlines()]


def test_the_file_and_the_six_commands_run_as_they_stand(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "workspace"))
    assert 20 <= len(block("python").splitlines()) <= 32 and len(commands()) == 6
    (tmp_path / "my_net.py").write_text(block("python"))
    first, *rest = commands()
    assert first == ["python", "my_net.py"]
    runpy.run_path("my_net.py", run_name="__main__")
    for words in rest:
        python, flag, engine, command, *arguments = words
        assert [python, flag, engine] == ["python", "-m", "engine"]
        for option, value in SHORT.items():
            if option in arguments:
                arguments[arguments.index(option) + 1] = value
        assert main([command, *arguments, *BOUNDS.get(command, [])]) == 0, capsys.readouterr().err
    store = Store(tmp_path / "workspace")
    accuracy = store.open("trained-mynet").manifest.metrics["test_accuracy"]
    assert accuracy["value"] > 0.9 and accuracy["n"] == 360
    nern = store.open("nern-mynet").manifest
    assert nern.config["original"] == "trained-mynet" and nern.metrics["size_ratio"]["value"] > 1, "README says: larger than itself"
    (written,) = tmp_path.glob("*.onnx")
    assert written.stat().st_size > 10_000
    shown: dict = {}
    exec(block("python", API), shown)  # noqa: S102 - the page's own
    assert (tmp_path / "between.onnx").read_bytes()[:1] == b"\x08" and shown["kept"] in shown["space"].instances
    assert shown["placement"].likeness > 0.5
