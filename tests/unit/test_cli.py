"""The command line: one JSON object on standard output, one line and code 2 for a wrong use, nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.__main__ import main, parser
from engine.archs import architecture
from engine.cli import command
from engine.kinds.netspace.space import load_space
from tests.commands import call as run
from tests.serving import question, tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.tiny import SPACE, ZOO

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("list", "show", "train", "evaluate", "interpolate", "export", "mesh", "place", "verify", "bench", "serve")


@pytest.fixture
def call(tiny_store, capsys):
    """Run a command with --json on the tiny store: (exit code, the object on standard output, standard error)."""
    return lambda *arguments: run(capsys, tiny_store.workspace, *arguments, "--device", "cpu")


def plain_accuracy(store, question, gamma: float, path: str) -> float:
    """Accuracy on the test split of the network between two anchors, by a module and a loop over the images."""
    space = load_space(store, SPACE)
    a, b = (list(space.table["id"]).index(question[name]) for name in "ab")
    with torch.no_grad():
        if path == "weights":
            parameters_P = (1 - gamma) * space.parameters_NP[a] + gamma * space.parameters_NP[b]
        else:
            parameters_P = space.model.decode(((1 - gamma) * space.embeddings_NE[a] + gamma * space.embeddings_NE[b])[None])[0]
        module = architecture(space.arch.id).build().eval()
        torch.nn.utils.vector_to_parameters(parameters_P, module.parameters())
        pairs = zip(space.images.images["test"], space.images.labels["test"])
        right = [int(module(image_CHW[None]).argmax()) == int(label) for image_CHW, label in pairs]
    return sum(right) / len(right)


def test_every_command_of_the_design_is_there():
    (choices,) = (action.choices for action in parser()._actions if action.choices and "list" in action.choices)
    assert set(COMMANDS) <= set(choices)


GREETING = """
from engine.cli.command import Command, emit

COMMANDS = (Command("greet", "say hello", lambda options: emit(options, {"hello": options.name}, "hello"), {"name": {}}),)
"""


def test_a_command_is_a_file(tmp_path, monkeypatch, capsys):
    from engine import cli
    from engine.cli import parser as collecting

    (tmp_path / "greeting.py").write_text(GREETING)
    assert "greet" not in collecting.commands()
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    collecting.commands.cache_clear()
    try:
        assert run(capsys, None, "greet", "Ada")[:2] == (0, {"hello": "Ada"})
        assert run(capsys, None, "greet", "Ada", "--loud")[0] == 2, "it takes no fields"
    finally:
        collecting.commands.cache_clear()
        sys.modules.pop("engine.cli.greeting", None)


def test_list_imports_nothing_heavy():
    code = (
        "import sys; from engine.__main__ import main; main(['list', '--json']); print([m for m in ('torch', 'numpy', 'pandas', "
        "'pyarrow', 'tyro', 'sklearn') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "EXPLORER_WORKSPACE": "nowhere"}
    )
    assert done.stderr.strip().endswith("[]"), done.stderr
    assert set(json.loads(done.stdout)) == {"artifacts"}


def test_list_and_show(call, tiny_store):
    code, value, _ = call("list")
    assert code == 0 and {row["id"] for row in value["artifacts"]} >= {ZOO, SPACE}
    assert all(row.keys() == {"id", "kind", "title", "metrics"} for row in value["artifacts"])
    code, value, _ = call("show", SPACE)
    assert code == 0 and value == {"id": SPACE, "kind": "netspace", "metrics": {}}


@pytest.mark.parametrize("path", ("embedding", "weights"))
@pytest.mark.parametrize("gamma", (0.0, 0.3, 1.0))
def test_interpolate_is_what_a_plain_loop_measures(call, tiny_store, question, gamma, path):
    code, value, _ = call("interpolate", SPACE, question["a"], question["b"], "--gamma", str(gamma), "--path", path)
    assert code == 0 and (value["gamma"], value["path"]) == (gamma, path)
    accuracy = value["accuracy"]
    assert accuracy["value"] == pytest.approx(plain_accuracy(tiny_store, question, gamma, path), abs=1e-9)
    assert accuracy["n"] == 360 and accuracy["split"] == "test" and accuracy["low"] < accuracy["value"] < accuracy["high"]
    other = plain_accuracy(tiny_store, question, 1 - gamma, path)  # control: another gamma is another network
    assert gamma == 0.5 or abs(accuracy["value"] - other) > 1e-9


def test_interpolate_in_words(tiny_store, question, capsys):
    arguments = ["interpolate", SPACE, question["a"], question["b"], "--device", "cpu", "--workspace", str(tiny_store.workspace)]
    assert main(arguments) == 0
    assert "% of 360 test images right (95 % interval" in capsys.readouterr().out


def test_export_holds_the_network(call, tiny_store, question, tmp_path):
    file = tmp_path / "network.safetensors"
    code, value, _ = call("export", SPACE, question["a"], question["b"], "--gamma", "0.25", "--output", str(file))
    assert code == 0 and value == {"file": str(file), "bytes": file.stat().st_size}
    module = architecture("lenetlike-digits").build()
    module.load_state_dict(load_file(file))
    space = load_space(tiny_store, SPACE)
    expected_P = space.point(space.row(question["a"]), space.row(question["b"]), 0.25)
    assert torch.equal(torch.nn.utils.parameters_to_vector(module.parameters()).detach(), expected_P)


def test_verify(call):
    code, value, _ = call("verify", SPACE)
    assert (code, value) == (0, {"verified": [SPACE]})
    code, _, error = call("verify", "no-such")
    assert code == 2 and error.count("\n") == 1


def test_evaluate_a_zoo(call):
    code, value, _ = call("evaluate", ZOO)
    assert (
        code == 0
        and value["id"] == ZOO
        and 0 <= value["metrics"]["accuracy_min"]["value"] <= value["metrics"]["accuracy_max"]["value"] <= 1
    )


def test_train_with_changed_fields_makes_an_artifact(call, tiny_store, tmp_path):
    fields = ["--train", "2", "--val", "1", "--test", "1", "--steps-min", "1", "--steps-max", "4", "--batch", "8"]
    code, value, error = call("train", "zoo-digits", "--id", "zoo-mine", "--seed", "3", *fields)
    assert code == 0 and value["id"] == "zoo-mine"
    manifest = tiny_store.open("zoo-mine").manifest
    assert (manifest.preset, manifest.config["steps_max"], manifest.config["seed"]) == ("zoo-digits", 4, 3)
    assert manifest.provenance["command"].startswith("python -m engine") and tiny_store.verify("zoo-mine") == []
    assert len(tiny_store.open("zoo-mine").table("instances.parquet")) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "zoo-digits", "--no-such-field", "1"),
        ("train", "zoo-digits", "--batch", "many"),
        ("train", "zoo-digits", "--batch", "0"),
        ("list", "--surprise"),
        ("bench", "no-such-row"),
        ("evaluate", "no-such"),
        ("export", SPACE, "x", "y"),
    ],
    ids=" ".join,
)
def test_a_wrong_use_is_one_line_and_two(call, arguments):
    code, value, error = call(*arguments)
    assert (code, value) == (2, None)
    assert error.count("\n") == 1 and "Traceback" not in error and len(error) > 20


def test_steps_before_a_checkpoint_are_not_counted_as_done_in_no_time(monkeypatch):
    """They would promise seconds for what takes hours."""
    from tqdm import tqdm

    bars = []
    monkeypatch.setattr("tqdm.tqdm", lambda **given: bars.append(tqdm(**given)) or bars[-1])
    for first in (1001, 1):
        on_step = command.progress("network-x", 2000)
        on_step(first, {})
        on_step(first + 1, {})
    resumed, fresh = bars
    assert (resumed.n, resumed.initial) == (1002, 1000)
    assert (fresh.n, fresh.initial) == (2, 0)
