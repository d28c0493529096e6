"""What cannot be done is refused when it is asked for: nothing is trained first, no job is queued to fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import presets
from engine.core.artifacts import Store
from engine.core.errors import CheckpointMismatch, DataMissing, ExplorerError, InvalidValue, PRepTooSmall, UnknownId
from engine.jobs import specs, views
from engine.jobs.queue import Queue
from engine.learn.config import LsoConfig
from engine.make import check as check_training
from engine.make import train
from tests import tiny_shapes
from tests.commands import call
from tests.tiny import SPACE, ZOO, edit_manifest, write_tiny
from tests.tiny_nern import CONFIG, NERN, ORIGINAL, write_tiny_nern

A = "digits-resnet8-0000"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("checks")
    store = Store(root / "workspace", root / "gallery")
    write_tiny(store, "resnet8-digits")
    tiny_shapes.write_tiny_shapes(store, 20)
    write_tiny_nern(store)
    return store


def never(title: str, total: int):
    raise AssertionError(f"{title} was begun")


def preset(name: str, **fields):
    return replace(presets.config(name), **fields)


TRAININGS = {
    "a start of another original": (
        preset("nern-digits", original=ORIGINAL),
        InvalidValue,
        "train nern-digits-coarse --original network-tiny",
    ),
    "a start of another size": (preset("nern-digits", hidden=60), InvalidValue, "hidden 50, not 60"),
    "a start that is no NeRN": (preset("nern-digits", start="network-digits"), InvalidValue, "is none"),
    "a start that nobody knows": (preset("nern-digits", start="nern-nobody"), UnknownId, "nern-nobody"),
    "a start of another form that is here": (replace(CONFIG, start=NERN, levels=9), InvalidValue, "levels 8, not 9"),
    "an original that nobody knows": (preset("nern-digits-coarse", original="network-nobody"), UnknownId, "import"),
    "an original whose kernels are too large": (preset("nern-digits-coarse", kernel=1), InvalidValue, "3 x 3"),
    "an original of which all is skipped": (preset("nern-digits-coarse", skip=("stem", "blocks")), InvalidValue, "not skipped"),
    "an original whose images are not here": (preset("nern-cifar10-resnet20-mini", start=""), DataMissing, "cifar10"),
    "a network of images that are not here": (preset("network-cifar10-resnet20"), DataMissing, "cifar10"),
    "a network of other images": (preset("network-digits", architecture="resnet20-cifar10"), InvalidValue, "resnet20-cifar10 takes"),
    "a PRep that is too small, before its zoo": (preset("netspace-digits", prep_width=8), PRepTooSmall, "3350"),
    "a space of two ends, and a zoo of one": (preset("netspace-digits", zoo=ZOO, prep_width=640), InvalidValue, "--test 2"),
    "a space of nothing": (preset("netspace-digits", zoo="zoo-nothing"), UnknownId, "zoo-nothing"),
    "classifiers from a zoo of shapes": (preset("netspace-digits", zoo="zoo-chairs", prep_width=4096), InvalidValue, "zoo of shapes"),
    "shapes from a zoo of classifiers": (preset("netspace-chairs", zoo="zoo-digits"), InvalidValue, "zoo of classifiers"),
    "a zoo of classifiers as shapes": (preset("zoo-digits", architecture="siren"), InvalidValue, "siren takes"),
    "a zoo of shapes as classifiers": (preset("zoo-chairs", architecture="lenetlike-digits"), InvalidValue, "classifies images"),
    "a zoo of a folder that is not there": (preset("zoo-chairs", dataset="nowhere/at/all"), UnknownId, "nowhere"),
    "architectures in another order": (
        preset("zoo-digits-multi", architectures=("resnet14-digits", "resnet8-digits", "vanillacnn-digits", "lenetlike-digits")),
        InvalidValue,
        "rising",
    ),
    "more instances than the zoo has": (preset("netspace-digits-multi", train=(30, 25, 30, 51)), InvalidValue, "resnet14-digits"),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_refused_before_its_first_step(store, name):
    config, error, words = TRAININGS[name]
    before = set(store.folders())
    with pytest.raises(error, match=words):
        train(store, "x", config, "cpu", never, "x")
    assert set(store.folders()) == before


def test_an_original_whose_file_is_of_another_architecture(store, tmp_path):
    import shutil

    other = Store(tmp_path / "workspace", store.gallery)
    shutil.copytree(store.workspace / ORIGINAL, other.workspace / ORIGINAL)
    edit_manifest(other.workspace / ORIGINAL, config={"architecture": "resnet14-digits", "dataset": "digits"})
    with pytest.raises(CheckpointMismatch, match="lacks"):
        check_training(other, CONFIG)


@pytest.mark.parametrize("name", [name for name in presets.presets() if "cifar" not in name and "imagenet" not in name])
def test_every_preset_of_what_is_here_may_be_trained(store, name):
    check_training(store, presets.config(name))


JOBS = {
    "a network that is no instance": ({"a": ORIGINAL}, UnknownId, "--target"),
    "an instance that nobody knows": ({"a": "digits-resnet8-00"}, UnknownId, "Did you mean"),
    "another end that nobody knows": ({"a": A, "b": "nobody"}, UnknownId, "nobody"),
    "a space that nobody knows": ({"a": A, "space": "netspace-nobody"}, UnknownId, "netspace-nobody"),
    "a zoo for a space": ({"a": A, "space": ZOO}, InvalidValue, "is a zoo"),
    "an objective of shapes": ({"a": A, "objective": "cloud"}, InvalidValue, "holds classifiers"),
    "an objective of classifiers": (
        {"a": "chairs-siren-0000", "space": tiny_shapes.SPACE, "objective": "task"},
        InvalidValue,
        "holds shapes",
    ),
    "a target that nobody knows": ({"a": A, "objective": "answers", "target": "nobody"}, UnknownId, "no network of that name"),
    "a target of a zoo that nobody knows": ({"a": A, "target": f"{ZOO}/nobody"}, UnknownId, "nobody"),
    "a target that is no network": ({"a": A, "target": SPACE}, InvalidValue, "a network is needed"),
    "a target that answers other questions": ({"a": A, "target": f"{tiny_shapes.ZOO}/chairs-siren-0001"}, InvalidValue, "for other data"),
    "a cloud that was never uploaded": (
        {"a": "chairs-siren-0000", "space": tiny_shapes.SPACE, "objective": "cloud", "target": "cloud-000"},
        ExplorerError,
        ".",
    ),
    "an architecture that is not in the space": ({"a": A, "architecture": "lenetlike-digits"}, UnknownId, "lenetlike-digits"),
}


@pytest.mark.parametrize("name", JOBS)
def test_an_lso_is_refused_at_submission(store, name):
    config, error, words = JOBS[name]
    with pytest.raises(error, match=words):
        views.submit(store, {"kind": "lso", "config": {"space": SPACE, **config}})
    assert Queue(store.workspace).jobs() == []


@pytest.mark.parametrize(
    "config",
    (
        {"a": A},
        {"a": A, "b": "digits-resnet8-0001", "gamma": 0.5, "target": f"{ZOO}/digits-resnet8-0002"},
        {"xy": [0.0, 0.0], "objective": "answers", "target": ORIGINAL},
        {"a": "chairs-siren-0000", "space": tiny_shapes.SPACE, "objective": "answers", "target": "chairs-siren-0001"},
    ),
)
def test_what_can_be_done_is_taken(store, config, monkeypatch):
    taken = []
    monkeypatch.setattr(Queue, "submit", lambda self, spec: taken.append(spec))
    views.submit(store, {"kind": "lso", "config": {"space": SPACE, **config}})
    assert taken and specs.config_of(taken[0]) == specs.lso_config({"space": SPACE, **config})


def test_a_training_is_refused_at_submission(store):
    for raw, words in (
        ({"preset": "nern-digits", "config": {"original": ORIGINAL}}, "original"),
        ({"preset": "netspace-digits", "config": {"prep_width": 8}}, "PRep"),
        ({"preset": "network-cifar10-resnet20"}, "cifar10"),
    ):
        with pytest.raises(ExplorerError, match=words):
            views.submit(store, {"kind": "train", **raw})
    assert Queue(store.workspace).jobs() == []


def test_the_commands(store, capsys):
    for arguments in (("lso", SPACE, ORIGINAL), ("train", "nern-digits", "--original", ORIGINAL)):
        code, value, error = call(capsys, store.workspace, *arguments)
        assert (code, value) == (2, None) and error.count("\n") == 1
    assert Queue(store.workspace).jobs() == []


def test_the_checks_need_no_space_in_memory(store, monkeypatch):
    monkeypatch.setattr("engine.kinds.netspace.space.load_space", lambda *arguments: pytest.fail("a space was loaded"))
    monkeypatch.setattr(Queue, "submit", lambda self, spec: None)
    views.submit(store, {"kind": "lso", "config": specs.plain(LsoConfig(SPACE, A)) | {"xy": None}})
