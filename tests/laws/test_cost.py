"""What a training costs is told before it starts, and telling it changes nothing of the training."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import torch

from engine import presets
from engine.__main__ import main
from engine.core.artifacts import Store
from engine.learn import cost as telling
from engine.learn.trainee import Trainee
from engine.make import checkpoint_path, estimate
from tests.clocks import set_clock
from tests.laws import resumable


def after_ten(training) -> dict[str, torch.Tensor]:
    for index in range(10):
        training.step(index)
    return {name: tensor.clone() for name, tensor in resumable.everything(training).items()}


def alike(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", ("zoo", "space", "shape-zoo", "shape-space", "nern", "network"))
def test_a_run_that_was_measured_first_is_bit_identical_to_one_that_was_not(kind, monkeypatch):
    monkeypatch.setattr(telling, "SHORT", 0.0)  # so that many steps are taken, validations among them
    threads = torch.get_num_threads()
    try:
        wanted = after_ten(resumable.trainee(kind))
        measured = resumable.trainee(kind)
        found = telling.cost(measured, 0.3)
        assert found.steps == measured.total and found.seconds > 0 and found.memory > 100e6
        assert alike(after_ten(measured), wanted)
        careless = resumable.trainee(kind)
        monkeypatch.setattr(type(careless), "restore", lambda self, state: None)
        telling.cost(careless, 0.3)
        assert kind == "shape-zoo" or not alike(after_ten(careless), wanted)  # a fit of shapes begins anew at its first step anyway
    finally:
        torch.set_num_threads(threads)


class Clock(Trainee):
    """A run whose first step takes 3 seconds and the others 1, on a clock of its own; every fourth begins by fetching data."""

    total, restarts = 40, 10

    def __init__(self):
        self.now, self.steps = 0.0, 0

    def step(self, index):
        self.now += 3.0 if self.steps == 0 else 1.0
        self.steps += 1
        return {"loss": 0.0}

    def state(self):
        return {}


def test_seconds_count_the_slow_first_step_as_often_as_it_comes(monkeypatch):
    clock = Clock()
    set_clock(monkeypatch, telling, perf_counter=lambda: clock.now)
    assert telling.cost(clock, 5.0).seconds == 40 * 1.0 + 10 * 2.0
    assert clock.steps == 1 + 6  # the first, and others until they took more than five seconds


@pytest.mark.parametrize(
    "preset",
    (
        "zoo-digits",
        "netspace-digits",
        "zoo-digits-multi",
        "netspace-digits-multi",
        "network-digits",
        "nern-digits",
        "zoo-chairs",
        "netspace-chairs-probe",
    ),
)
def test_every_kind_of_preset_can_be_estimated_before_anything_is_there(preset, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.make.SECONDS", 0.0)
    monkeypatch.setattr(presets, "config", small)
    found, first = estimate(Store(tmp_path, gallery=tmp_path / "empty"), small(preset), "cpu")
    assert found.steps > 0 and found.seconds > 0
    assert (first > 0) == any(not each.optional for each in small(preset).references)


def small(preset: str, whole=presets.config):
    """A preset's config with few instances and shapes."""
    config = whole(preset)
    few = {"train": (2, 2, 2, 2) if isinstance(config.train, tuple) else 4} if hasattr(config, "train") else {}
    return replace(
        config,
        **few,
        **({"val": 2, "test": 2} if hasattr(config, "val") else {}),
        **({"points": 64, "queries": 128} if hasattr(config, "points") else {}),
    )


def test_the_line_says_steps_time_and_memory():
    assert (
        telling.in_words(telling.Cost(4000, 252.0, 900_000_000))
        == "4,000 steps of 63 ms: about 4 minutes and 0.9 GB of memory, measured now on this machine"
    )
    assert (
        telling.in_words(telling.Cost(10, 864_000.0, 0), 5400.0)
        == "10 steps of 24.0 hours: about 10.0 days and 0.0 GB of memory, measured now on this machine, "
        "and 1.5 hours for what must be made first"
    )


def test_training_says_what_it_takes_before_its_first_step(tmp_path, capsys):
    """Also where what lies there is not its checkpoint. (Of its own, it says that it goes on: tests/faults/test_resume.py.)"""
    arguments = ["train", "network-digits", "--workspace", str(tmp_path), "--device", "cpu", "--json", "--steps", "3", "--batch", "8"]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert re.search(r"network-digits-\w+: 3 steps of ", said.err) and "GB of memory" in said.err and said.out.count("\n") == 1
    path = checkpoint_path(Store(tmp_path), json.loads(said.out)["id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"of another run")
    assert main(arguments) == 0 and "3 steps of " in capsys.readouterr().err
