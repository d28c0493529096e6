"""A network artifact is a network artifact, whatever made it: trained, imported, sent, kept from an LSO, placed. What takes one takes
all of them, and what cannot take one says why."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import CorruptArtifact, InvalidValue, UnknownId
from engine.jobs import work
from engine.kinds.nern.bringing import import_network, send
from engine.kinds.nern.original import load_original
from engine.kinds.netspace import kept, placed_shapes
from engine.kinds.netspace.space import load_space
from engine.kinds.netspace.targets import target
from engine.learn.config import LsoConfig
from engine.make import evaluate
from engine.nets.answers import accuracies
from engine.nets.networks import read
from engine.tasks.distances.meshing import Mesh
from tests import tiny_shapes
from tests.commands import call
from tests.tiny import SPACE, ZOO, edit_manifest, write_tiny
from tests.tiny_nern import ORIGINAL, write_tiny_nern

ARCH = "resnet8-digits"
CLASSIFIERS, SHAPES = ("trained", "imported", "sent", "kept"), ("kept-shape", "placed-0123456789ab")
IDS = {"trained": ORIGINAL, "imported": "network-imported", "sent": "network-sent", "kept": "network-kept"}
pytestmark = pytest.mark.usefixtures("one_thread", "read_here")


@pytest.fixture(scope="module")
def store(tmp_path_factory, read_here) -> Store:
    """One network of every making."""
    root = tmp_path_factory.mktemp("networks")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_nern(store)
    write_tiny(store, ARCH)
    tiny_shapes.write_tiny_shapes(store, 150)
    space, shapes = load_space(store, SPACE), load_space(store, tiny_shapes.SPACE)
    save_file(load_original(store, ORIGINAL).module.state_dict(), root / "x.safetensors")
    import_network(store, root / "x.safetensors", ARCH, IDS["imported"], "digits", "cpu")
    send(store, ZOO, "digits-resnet8-0001", None, 0.0, "weights", IDS["sent"], "cpu")
    for of, id_, lso in (
        (space, IDS["kept"], {"best_step": 3}),
        (shapes, SHAPES[0], {"best_step": 3, "objective": "answers", "target": str(shapes.table["id"].iloc[2])}),
    ):
        embedding_E = of.embeddings_NE[0] + 0.1
        metrics = {"test_accuracy": {"value": 0.5, "split": "test images", "n": 360}} if of is space else {}
        kept.save(store, of, 0, embedding_E.numpy(), of.at(embedding_E).parameters_P.numpy(), of.arch.id, lso, metrics, {}, id_)
    corner = Mesh(np.eye(3, dtype="float32"), np.array([[0, 1, 2]], "int32"))
    arrays = (shapes.parameters_NP[1].numpy(), shapes.embeddings_NE[1].numpy(), shapes.embeddings_NE[0].numpy())
    placed_shapes.save(
        store,
        shapes,
        placed_shapes.PlacedShape(SHAPES[1], "x.obj", *arrays, corner, {"placed_iou": {"value": 0.5, "split": "x", "n": 1}}),
        {"webp": np.zeros(3, "uint8")},
        {},
    )
    return store


def flat(store: Store, id_: str) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in read(store, id_).module().state_dict().values()])


@pytest.mark.parametrize("made", CLASSIFIERS)
def test_a_classifier_of_any_making_goes_everywhere(store, made, capsys, tmp_path):
    id_, space, images = IDS[made], load_space(store, SPACE), datasets.load("digits")
    net = read(store, id_)
    assert (net.arch.id, net.dataset, net.preprocessing) == (ARCH, "digits", images.preprocessing)
    expected = float(accuracies(flat(store, id_)[None], images.images["test"], images.labels["test"], net.arch)[0])
    measured = evaluate(store, store.open(id_), "cpu")  # evaluate
    assert measured["test_accuracy"]["value"] == pytest.approx(expected, abs=1e-6) and measured["train_accuracy"]["n"] == 1077
    original = load_original(store, id_)  # a NeRN's
    assert original.dataset == "digits" and torch.allclose(original.weights[0].flatten(), flat(store, id_)[: original.weights[0].numel()])
    teacher = target(store, space, id_)  # an LSO's target
    logits_1BK = teacher.teachers(images, ("test",))["test"]
    assert float((logits_1BK[0].argmax(-1) == images.labels["test"]).float().mean()) == pytest.approx(expected, abs=1e-6)
    work.descent_of(store, space, LsoConfig(SPACE, "x", objective="answers", target=id_, batch=16), space.embeddings_NE[0])
    file = tmp_path / "out.safetensors"  # a file for others, which comes in again as it went out
    assert call(capsys, store.workspace, "export", id_, "--output", str(file))[0] == 0
    assert torch.equal(
        torch.cat([tensor.flatten() for tensor in (load_file(file)[name] for name in net.module().state_dict())]), flat(store, id_)
    )
    with safe_open(file, "pt") as opened:
        said = opened.metadata()
    assert said["architecture"] == ARCH and json.loads(said["preprocessing"])["mean"] == [0.5]
    with pytest.raises(InvalidValue, match="a NeRN takes it as it is"):
        send(store, id_, "x", None, 0.0, "weights", None, "cpu")


@pytest.mark.parametrize("id_", SHAPES)
def test_a_shape_of_any_making_is_measured_and_a_target(store, id_, capsys, tmp_path):
    space = load_space(store, tiny_shapes.SPACE)
    measured = evaluate(store, store.open(id_), "cpu")
    assert measured and all(0 <= each["value"] <= 1 for each in measured.values())
    assert torch.equal(target(store, space, id_).parameters(), flat(store, id_))
    work.descent_of(
        store, space, LsoConfig(tiny_shapes.SPACE, "x", objective="answers", target=id_, batch=16), space.embeddings_NE[0]
    )
    code, value, _ = call(capsys, store.workspace, "export", id_, "--output", str(tmp_path / "out.safetensors"))
    assert code == 0
    with safe_open(tmp_path / "out.safetensors", "pt") as opened:
        assert opened.metadata()["activation"] == "sine" and opened.metadata()["omega"] == "30"
    with pytest.raises(InvalidValue, match="no convolutions"):
        load_original(store, id_)
    with pytest.raises(InvalidValue, match="made for other data"):
        target(store, load_space(store, SPACE), id_)


def test_the_commands_that_failed(store, capsys):
    code, value, _ = call(capsys, store.workspace, "evaluate", IDS["kept"])
    assert code == 0 and value["metrics"]["test_accuracy"]["n"] == 360
    code, value, error = call(capsys, store.workspace, "evaluate", SHAPES[0])
    assert code == 0 and value["metrics"].keys() == {"target_iou"}


def test_what_names_no_network_is_refused(store, capsys):
    space = load_space(store, SPACE)
    for name, error in (
        ("nobody", UnknownId),
        (f"{ZOO}/nobody", UnknownId),
        ("no-zoo/x", UnknownId),
        (SPACE, InvalidValue),
        (ZOO, InvalidValue),
    ):
        with pytest.raises(error):
            target(store, space, name)
    for arguments in (("export", IDS["kept"], "x"), ("export", SPACE), ("export", ZOO, "a", "b")):
        code, value, error = call(capsys, store.workspace, *arguments)
        assert (code, value) == (2, None) and error.count("\n") == 1


def test_tensors_that_are_not_those_of_the_architecture_are_named(store, tmp_path):
    import shutil

    other = Store(tmp_path / "workspace", store.gallery)
    shutil.copytree(store.workspace, other.workspace)
    edit_manifest(other.workspace / IDS["kept"], config={**store.open(IDS["kept"]).manifest.config, "architecture": "lenetlike-digits"})
    with pytest.raises(CorruptArtifact, match="do not fit lenetlike-digits"):
        read(other, IDS["kept"])
    edit_manifest(other.workspace / IDS["sent"], config={**store.open(IDS["sent"]).manifest.config, "architecture": "nothing"})
    with pytest.raises(UnknownId, match="no architecture 'nothing'"):
        read(other, IDS["sent"])


def test_a_space_that_is_gone_leaves_its_network(store, tmp_path):
    import shutil

    other = Store(tmp_path / "workspace", store.gallery)
    shutil.copytree(store.workspace / IDS["kept"], other.workspace / IDS["kept"])
    net = read(other, IDS["kept"])
    assert net.dataset is None and net.images() is None and evaluate(other, other.open(IDS["kept"]), "cpu") == {}
    assert net.parameters_P().shape == (architecture(ARCH).parameters,)
