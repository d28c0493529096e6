"""Configs without a ceiling, work that does not fit the memory, and runs that are as small as they may be."""

from __future__ import annotations

import resource
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import presets
from engine.__main__ import main
from engine.archs import all_architectures, architecture
from engine.core.artifacts import Store
from engine.core.config import changed
from engine.core.errors import InvalidValue
from engine.core.memory import machine_memory, within_memory
from engine.core.told import tells
from engine.jobs import specs
from engine.learn.threads import is_small, threads_for
from engine.make import estimate, largest
from engine.plan import inputs_of
from engine.tasks.images import lso_measuring as lso_evaluate
from tests.unit.test_told import CONFIGS, NUMBERS


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_every_number_has_a_ceiling(config):
    """Also each number of a tuple; what is at it is taken where nothing else forbids it, what is above it is not."""
    for name in {name for each, name in NUMBERS if each is config} | {"xy", "train", "steps", "betas"} & {
        field.name for field in fields(config)
    }:
        tale = next(tells(field) for field in fields(config) if field.name == name)
        highest = tale.high if tale.high is not None else tale.below
        assert highest is not None and highest <= 2**63, f"{name} has no ceiling"
        above = [highest + 1, 1e308, 10**400, 10**18 * highest]
        for value in above:
            value = [value, value] if isinstance(getattr(config, name), tuple) or name == "xy" else value
            with pytest.raises(InvalidValue):
                changed(config, {name: value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([10**400, -1, 0, 1e308, 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CONFIGS), st.data(), JSON)
def test_any_json_in_any_field_is_a_config_or_a_sentence(config, data, value):
    name = data.draw(st.sampled_from([field.name for field in fields(config)]))
    try:
        specs.plain(changed(config, {name: value}))
    except InvalidValue as error:
        assert 0 < len(str(error)) < 400


@settings(max_examples=100, deadline=None)
@given(JSON, st.sampled_from(["config", "id", "preset", "kind"]))
def test_any_json_as_a_job_is_a_spec_or_a_sentence(value, part):
    spec = {"kind": "train", "preset": "zoo-digits", "config": {}} | {part: value}
    try:
        specs.parse(spec)
    except ValueError as error:
        assert type(error).__name__ in ("InvalidValue", "UnknownId"), error


def test_an_estimate_of_what_no_memory_holds_is_a_sentence_and_takes_none(tmp_path):
    huge = changed(presets.config("zoo-cifar10-resnet8"), {"train": 1_000_000})  # 311 GB of parameters
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidValue, match="more than the .* GB of memory"):
        estimate(Store(tmp_path), huge, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20, "it took over a GiB first (KiB)"
    assert resource.getrlimit(resource.RLIMIT_DATA) == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.mark.parametrize("preset", ("zoo-digits", "zoo-digits-resnet8", "zoo-cifar10-resnet8"))
def test_a_zoo_that_no_memory_holds_is_refused_before_a_network_is_drawn(preset, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.core.memory.machine_memory", lambda: 8 << 30)
    monkeypatch.setattr("engine.tasks.images.zoo_training.start", lambda *_: pytest.fail("it was begun"))
    for change in ({"train": 1_000_000}, {"steps_max": 10_000_000}, {"batch": 10_000_000}):
        with pytest.raises(InvalidValue, match="more than the .* GB of memory"):
            estimate(Store(tmp_path), changed(presets.config(preset), change), "cpu")


def test_work_within_the_memory_goes_on_and_other_errors_pass():
    limit = machine_memory() // 2
    with within_memory(limit):
        torch.zeros(1 << 20)
    for error in (RuntimeError("shape mismatch"), KeyError("x")):
        with pytest.raises(type(error)), within_memory(limit):
            raise error
    with pytest.raises(InvalidValue, match="memory"), within_memory(limit):
        torch.zeros(machine_memory(), dtype=torch.uint8)


@pytest.mark.parametrize("arch_id", all_architectures())
def test_threads_of_a_training_are_told_by_its_architecture_and_set_back(arch_id):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads_for(architecture(arch_id)):
            assert torch.get_num_threads() == (1 if is_small(architecture(arch_id)) else 2)
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), threads_for(architecture(arch_id)):
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_no_name_of_a_preset_decides_its_threads(tmp_path):
    """By what it trains: digits on one thread whatever they are called, CIFAR-10 on all."""
    store = Store(tmp_path, tmp_path / "gallery")
    for name, small in (
        ("zoo-digits", True),
        ("netspace-digits-multi", True),
        ("nern-digits", True),
        ("zoo-cifar10-multi-mini", False),
        ("network-cifar10-resnet20", False),
    ):
        assert is_small(largest(presets.config(name), inputs_of(store, presets.config(name)))) is small, name


SMALL = {  # the smallest runs of each kind: zoo, then space
    "digits": (
        ["zoo-digits", "--train", "3", "--val", "2", "--test", "2", "--steps-max", "20"],
        ["netspace-digits", "--networks", "2", "--measured", "64"],
    ),
    "chairs": (["zoo-chairs", "--train", "2", "--val", "1", "--test", "1", "--steps", "4"], ["netspace-chairs", "--networks", "2"]),
}


@pytest.mark.parametrize("kind", SMALL)
def test_a_smoke_run_ends_with_what_it_could_measure(kind, tmp_path, capsys, one_thread, monkeypatch):
    """Where there is next to nothing to measure; the measuring itself is made short."""
    monkeypatch.setattr("engine.tasks.distances.measuring.RESOLUTION", 16)
    monkeypatch.setattr("engine.tasks.distances.zoo.FIT_BOUND", 0.0)  # so few steps fit nothing
    monkeypatch.setattr("engine.tasks.images.measuring.INVERSION_STEPS", 2)
    monkeypatch.setattr("engine.tasks.images.lso_measuring.DEFAULT", replace(lso_evaluate.DEFAULT, steps=3))
    zoo, space = SMALL[kind]
    assert main(["train", *zoo, "--id", "zoo", "--workspace", str(tmp_path)]) == 0
    assert main(["train", *space, "--steps", "4", "--zoo", "zoo", "--id", "space", "--workspace", str(tmp_path)]) == 0, (
        capsys.readouterr().err
    )
    metrics = Store(tmp_path).open("space").manifest.metrics
    assert all(entry["value"] is not None or entry.get("reason") for entry in metrics.values())
    assert main(["show", "space", "--workspace", str(tmp_path)]) == 0
