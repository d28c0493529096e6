"""What the papers' pages may compare: a difference and a comparison need the same data, and what does not hold is said at the head.
And the commands for a NeRN of any original."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import presets
from engine.__main__ import parser
from engine.cli import command as command_line
from engine.core.artifacts import Manifest, Store
from engine.kinds.nern.config import NernConfig
from engine.papers import export
from engine.papers.entries import entries, entry
from engine.papers.recipe import recipe
from engine.papers.resolve import Ours, holds, resolve
from engine.papers.subjects import subject
from explorer.papers import coverage
from tests.unit.test_papers import line, put


@pytest.fixture
def store(tmp_path) -> Store:
    """Nothing at hand."""
    return Store(tmp_path / "workspace", tmp_path / "gallery")


@pytest.mark.parametrize(
    "id_, key, preset, metrics, shown",
    [
        # ResNet20 on CIFAR-10, as the paper's
        ("nern-table-1", "resnet20.accuracy", "network-cifar10-resnet20-mini", {"test_accuracy": 0.87}, True),
        ("nern-table-1", "resnet20-cross-filter-160.accuracy", "nern-digits-90", {"reconstructed_accuracy": 0.99}, False),
        ("nern-figure-3", "240-1e-6.accuracy", "nern-digits-table", {"reconstructed_accuracy": 0.99}, False),
    ],
)
def test_a_difference_needs_the_papers_architecture_and_data(store, id_, key, preset, metrics, shown):
    row = next(row for row in entry(id_).rows if row.id == key.partition(".")[0])
    source = next(source for source in row.reduced if source.preset == preset)
    put(store, "mine", preset, {source.metrics.get("accuracy", entry(id_).measures["accuracy"].metric): 0.9, **metrics}, **source.set)
    found = line(store, id_, key)
    assert found.ours and found.ours.reduced and (found.difference is not None) == shown == found.ours.comparable
    assert bool(export.difference_says(found)) == shown and bool(export.record(found)["difference"]) == shown


def test_no_line_of_what_ships_subtracts_across_data_or_architectures(gallery_store):
    lines = [line for found in resolve(gallery_store, list(entries().values())) for line in found.lines if line.difference is not None]
    assert lines and all(
        not line.ours.reduced or subject(line.row.ours) in [subject(source) for source in line.row.reduced] for line in lines
    )


def test_a_comparison_that_does_not_hold_is_in_the_entrys_state(gallery_store):
    """The head counts no entry as alright that lists a comparison which is not."""
    found = resolve(gallery_store, list(entries().values()))
    failing = [each for each in found if "fails" in [kind for _, kind in each.claims()]]
    assert failing and all(each.state in ("differs", "unlike") and "not hold" in coverage(each) for each in failing)
    assert all("not hold" not in coverage(each) for each in found if each not in failing)


def test_runs_on_different_data_are_not_compared(store):
    """Table 5 of NeRN: a reduced run on digits beside one on CIFAR-10 tells nothing."""
    one, other = (
        replace(line(store, "nern-table-5", key), ours=Ours(value, None, 1, 1, "", "", (key,), "", "", "", None, True, data=data))
        for key, value, data in (("resnet20-140.accuracy", 9.0, "digits"), ("resnet20-160.accuracy", 5.0, "cifar10"))
    )
    assert (
        holds(one, other) == holds(other, one) == "apart" and holds(one, replace(other, ours=replace(other.ours, data="digits"))) == "holds"
    )


ORIGINALS = [
    ("resnet8-wide-digits", "digits"),
    ("lenetlike-digits", "digits"),
    ("resnet20-cifar10", "cifar10"),
    ("resnet8-cifar10", "cifar10"),
    ("resnet18-imagenet", None),
    ("lenetlike-digits", None),
]


@pytest.mark.parametrize("arch, dataset", ORIGINALS)
def test_the_printed_commands_train_the_chosen_original_to_the_end(arch, dataset):
    """Each stage is of it, and goes on from the one before, in the same form."""
    original = Manifest("my-net", "network", "My net", "", "", {"architecture": arch, "dataset": dataset}, {}, {}, {})
    made, configs = recipe(original, {"nern-my-net"}), []
    for words in made:
        options, rest = parser().parse_known_args(words)
        configs.append(command_line.overridden(presets.config(options.preset), rest))
        assert options.command == "train" and options.id not in ("nern-my-net", options.preset) and isinstance(configs[-1], NernConfig)
        assert configs[-1].original == "my-net" and (dataset or configs[-1].inputs != "data")
        assert configs[-1].start in ("", *(parser().parse_known_args(before)[0].id for before in made[: len(configs) - 1]))
    for name in ("permutation", "hidden", "levels", "base", "kernel", "skip"):  # as a second stage needs them of its first
        assert len({getattr(config, name) for config in configs}) == 1
    assert len(made) == (2 if presets.config(made[-1][1]).start else 1)
