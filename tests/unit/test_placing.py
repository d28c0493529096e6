"""Placing networks in a space and from the command line: instances, networks of any width, meshes of someone else's making, classifiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from safetensors.torch import save_file

from engine.__main__ import main
from engine.archs.siren import Siren
from engine.core.artifacts import Store
from engine.core.errors import CheckpointMismatch, InvalidValue, Stopped, UnknownId
from engine.kinds.netspace.model import build
from engine.kinds.netspace.placing import asked, place_network, place_what
from engine.kinds.netspace.space import Space, load_space
from engine.nets.answers import classes_of_one
from engine.nets.stacked import unflatten
from engine.tasks.distances import mesh_fit
from engine.tasks.distances.mesh_fit import fit_mesh
from engine.tasks.distances.meshes import MeshError
from engine.tasks.distances.networks import grid, insides, ious, layers_of, queries, values
from engine.tasks.distances.placing import network_layers
from engine.tasks.distances.pose import Pose
from engine.tasks.distances.sampling import NoInside
from tests.commands import call as run
from tests.serving import tiny_host, tiny_store  # noqa: F401 - fixtures
from tests.shape_files import deepsdf
from tests.tiny import SPACE as CLASSIFIERS
from tests.tiny_shapes import SPACE, ZOO, write_tiny_shapes

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("placing")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_shapes(store, steps=150)
    return store


@pytest.fixture(scope="module")
def space(store) -> Space:
    return load_space(store, SPACE)


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    path = tmp_path_factory.mktemp("meshes") / "box.stl"
    trimesh.creation.box((1.0, 1.4, 0.8)).export(path)
    return path


@pytest.fixture
def call(store, capsys):
    """Run a command with --json: (exit code, the object on standard output, standard error)."""
    return lambda *arguments: run(capsys, store.workspace, *arguments, "--device", "cpu")


def quiet(title: str, total: int):
    return lambda step, metrics: None


def test_a_known_network_is_placed_with_its_iou(space):
    row = space.row(space.table["id"][0])
    found = place_network(space, space.parameters_NP[row], steps=20)
    own, decoded = (
        insides(layers_of(space.parameters_NP[[row]], space.arch)),
        insides(layers_of(space.decode(found.embedding_E[None]), space.arch)),
    )
    assert found.likeness == pytest.approx(float(ious(decoded, own)), abs=1e-6) and found.steps == 20 and found.encoded == "prep"
    train = [name for name, split in zip(space.table["id"], space.table["split"]) if split == "train"]
    assert found.nearest in train and (found.nearest_likeness == 1) == (space.table["split"][0] == "train")
    assert place_network(space, space.parameters_NP[row], steps=0).embedding_E.shape == (64,)


def test_steps_of_inversion_lower_the_error(space):
    """The decoded network answers more like the network after inversion than before."""
    row = len(space.table) - 1
    layers = layers_of(space.parameters_NP[[row]], space.arch)
    points_1Q3, answers_1Q = queries(layers, 2048, 9)
    error = []
    for steps in (0, 40):
        found = place_network(space, space.parameters_NP[row], steps)
        with torch.no_grad():
            error.append(
                float((values(layers_of(space.decode(found.embedding_E[None]), space.arch), points_1Q3) - answers_1Q).square().mean())
            )
    assert error[1] < 0.95 * error[0], error


def another_width():
    """The layers of a SIREN 3-24-24-1 with an inside and an outside."""
    torch.manual_seed(0)
    tensors = Siren((24, 24)).state_dict()
    middle = values(network_layers({name: tensor.numpy() for name, tensor in tensors.items()}, "wide"), grid(8)).median()
    tensors["layers.2.bias"] -= middle
    return network_layers({name: tensor.numpy() for name, tensor in tensors.items()}, "wide")


def test_a_network_of_another_width_begins_at_the_nearest_where_weights_are_read(space):
    wide = another_width()
    found = place_network(space, wide, steps=1)
    assert found.encoded == "nearest" and torch.equal(found.encoded_E, space.embeddings_NE[space.row(found.nearest)])


def test_the_probe_encoder_asks_networks_of_any_width(space):
    config = replace(space.config, encoder="probe")
    probe = build(config, space.archs, space.parameters_NP, answer=space.task.answer(space.arch)).eval().requires_grad_(False)
    wide = another_width()
    found = place_network(replace(space, model=probe, config=replace(space.config, encoder="probe")), wide, steps=1)
    assert found.encoded == "probe" and found.encoded_E.shape == (64,)


def test_a_file_of_the_spaces_own_architecture_is_encoded(space, store, call, tmp_path):
    a, b = space.table["id"][:2]
    file = tmp_path / "network.safetensors"
    code, _, _ = call("export", SPACE, a, b, "--gamma", "0", "--path", "weights", "--output", str(file))
    assert code == 0
    code, value, _ = call("place", SPACE, str(file), "--steps", "2")
    assert code == 0 and value["encoded"] == "prep" and value["fit"] is None
    by_id = call("place", SPACE, a, "--steps", "2")[1]
    assert value["iou"] == pytest.approx(by_id["iou"], abs=1e-6) and value["x2"] == pytest.approx(by_id["x2"], abs=1e-5)
    assert (
        value.keys()
        == by_id.keys()
        >= {"id", "what", "iou", "encoded_iou", "nearest", "nearest_iou", "steps", "seconds", "x2", "y2", "fit", "outside"}
    )


def test_place_says_how_far_outside_the_zoo_it_is(space, call, capsys, store):
    """In JSON and in words, from one home; the tiny space is not trained, and knows nothing."""
    a = space.table["id"][4]
    value = call("place", SPACE, a, "--steps", "1")[1]
    said = value["outside"]
    assert said["agreement"] == pytest.approx(value["iou"], abs=1e-6) and said["bound"] == 0.6 and said["known"] is (value["iou"] >= 0.6)
    assert said["hollow"] is (said["outside"] or not said["known"]) and "3 training instances are too few" in said["words"]
    main(["place", SPACE, a, "--steps", "1", "--device", "cpu", "--workspace", str(store.workspace)])
    assert said["words"] in capsys.readouterr().out


def test_a_mesh_is_fitted_watched_and_stopped(space, box):
    seen = []
    fitted = fit_mesh(box, space.arch, progress=lambda step, steps, loss: seen.append((step, steps, loss)), steps=150)
    assert fitted.iou > 0.9 and fitted.steps == 150 and [step for step, _, _ in seen] == [50, 100, 150]
    assert fitted.parameters_P.shape == (space.arch.parameters,) and seen[-1][2] < seen[0][2]
    again = fit_mesh("dropped.stl", space.arch, box.read_bytes(), steps=150)
    assert torch.equal(again.parameters_P, fitted.parameters_P)
    assert not torch.equal(fit_mesh(box, space.arch, steps=150, seed=1).parameters_P, fitted.parameters_P)
    fitting = []
    assert fit_mesh(box, space.arch, progress=lambda *_: fitting.append(1), stop=lambda: bool(fitting)).steps == 50  # what was made is kept
    with pytest.raises(Stopped):
        fit_mesh(box, space.arch, stop=lambda: True)  # while it is read: nothing is there yet


def test_samples_and_a_mesh_on_its_side_are_placed_from_the_command_line(call, space, tmp_path, monkeypatch):
    monkeypatch.setitem(mesh_fit.FIT, "steps", 300)
    np.savez(tmp_path / "ball.npz", **deepsdf(100.0))
    code, value, _ = call("place", SPACE, str(tmp_path / "ball.npz"), "--steps", "1")
    assert code == 0 and value["fit"]["iou"] > 0.9 and "units" in value["fit"]["notes"][0]
    tall = trimesh.creation.box((0.6, 0.4, 1.6))
    tall.export(tmp_path / "tall.ply")
    assert np.argmax(np.ptp(fit_mesh(tmp_path / "tall.ply", space.arch, steps=50, pose=Pose("z")).shape.vertices_V3, axis=0)) == 1
    wrote = asked(space, str(tmp_path / "tall.ply"), 1, pose=Pose("-z", 1), omega=[30.0])
    assert wrote == ["place", SPACE, "tall.ply", "--steps", "1", "--up", "-z", "--turn", "1", "--omega", "30.0"]
    code, value, _ = call("place", SPACE, str(tmp_path / "tall.ply"), "--steps", "1", "--up", "-z", "--turn", "1")
    assert code == 0 and value["fit"]["iou"] > 0.8
    assert call("place", SPACE, str(tmp_path / "tall.ply"), "--up", "up")[0] == 2
    assert call("place", SPACE, str(tmp_path / "tall.ply"), "--turn", "4")[0] == 2


def test_place_a_mesh_from_the_command_line(call, box, monkeypatch):
    monkeypatch.setitem(mesh_fit.FIT, "steps", 100)
    code, value, _ = call("place", SPACE, str(box), "--steps", "3")
    assert code == 0 and value["fit"]["iou"] > 0.8 and 0 <= value["encoded_iou"] <= 1 and value["what"] == str(box)


@pytest.mark.parametrize("form", ("glb", "ply", "stl", "obj"))
def test_mesh_writes_the_surface(call, space, tmp_path, form):
    a, b = space.table["id"][:2]
    file = tmp_path / f"chair.{form}"
    code, value, _ = call("mesh", SPACE, a, b, "--gamma", "0.25", "--resolution", "32", "--output", str(file))
    assert code == 0 and value == {"file": str(file), "bytes": file.stat().st_size}
    faces = len(trimesh.load(file, force="mesh", process=False).faces)
    call("mesh", SPACE, a, "--path", "weights", "--resolution", "32", "--output", str(file))
    assert faces > 500 and len(trimesh.load(file, force="mesh", process=False).faces) != faces


def tensors(change=lambda found: None) -> dict[str, torch.Tensor]:
    found = {name: tensor.detach().clone() for name, tensor in Siren((8, 8)).state_dict().items()}
    change(found)
    return found


WRONG = {
    "not of layers": {"weights": torch.zeros(3)},
    "a bias missing": tensors(lambda t: t.pop("layers.1.bias")),
    "widths that do not fit": tensors(lambda t: t.update({"layers.1.weight": torch.zeros(8, 7)})),
    "two distances": tensors(lambda t: t.update({"layers.2.weight": torch.zeros(2, 8), "layers.2.bias": torch.zeros(2)})),
    "four coordinates": tensors(lambda t: t.update({"layers.0.weight": torch.zeros(8, 4)})),
    "NaN": tensors(lambda t: t["layers.1.weight"].fill_(float("nan"))),
    "a weight without axes": tensors(lambda t: t.update({"layers.0.weight": torch.zeros(())})),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_no_network_of_shapes(space, tmp_path, name):
    file = tmp_path / "wrong.safetensors"
    save_file(WRONG[name], file)
    with pytest.raises(InvalidValue, match="wrong.safetensors"):
        place_what(space, str(file), 1, 0, quiet)
    good = {name: tensor.numpy() for name, tensor in tensors().items()}
    assert len(network_layers(good, "good")) == 3  # control


def test_bad_inputs_are_named(space, tmp_path, tiny_store, box):
    (tmp_path / "sheet.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "broken.glb").write_bytes(b"glTF\x02\x00")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 20)
    for what, kind in {
        "sheet.obj": MeshError, "broken.glb": MeshError, "missing.ply": MeshError, "notes.txt": InvalidValue,
        "cut.safetensors": InvalidValue,
        "missing.safetensors": InvalidValue,
    }.items():  # fmt: skip
        with pytest.raises(kind, match=what.split(".")[0]):
            place_what(space, str(tmp_path / what), 1, 0, quiet)
    with pytest.raises(UnknownId, match="chairs-siren-0000"):
        place_what(space, "chairs-siren-00000", 1, 0, quiet)
    flat = space.parameters_NP[0] * 0
    flat[-1] = 1.0  # outside everywhere
    with pytest.raises(NoInside):
        place_network(space, flat, 1)
    for steps in (-1, 1001, 2.5, True):
        with pytest.raises(InvalidValue, match="steps"):
            place_network(space, space.parameters_NP[0], steps)
    with pytest.raises(InvalidValue, match="classifiers"):
        place_what(load_space(tiny_store, CLASSIFIERS), str(box), 1, 0, quiet)


@pytest.mark.parametrize(
    "arguments",
    [
        ("place", SPACE, "nobody"),
        ("place", "no-such-space", "x"),
        ("place", ZOO, "x"),
        ("place", SPACE, "chairs-siren-0000", "--steps", "-3"),
        ("place", SPACE, "nowhere.obj"),
        ("mesh", SPACE, "nobody"),
        ("mesh", SPACE, "chairs-siren-0000", "--resolution", "5"),
        ("mesh", SPACE, "chairs-siren-0000", "--gamma", "2"),
        ("mesh", SPACE, "chairs-siren-0000", "--output", "chair.doc"),
        ("mesh", SPACE, "chairs-siren-0000", "--level", "nan"),
    ],
    ids=" ".join,
)
def test_a_wrong_use_is_one_line_and_two(call, arguments):
    code, value, error = call(*arguments)
    assert (code, value) == (2, None)
    last = error.strip().splitlines()[-1]
    assert last.startswith("python -m engine") and "Traceback" not in error and len(last) > 20


# ---- classifiers, by the same path


@pytest.fixture(scope="module")
def classifiers(host) -> Space:
    return host.space("netspace-digits")


def own_of(space: Space, row: int):
    own = space.target(row)
    return space.task.unseen(space, own.arch, own.parameters_P)


def test_a_classifier_is_placed_with_its_agreement_on_test_images(classifiers):
    space = classifiers
    held = np.flatnonzero(space.table["split"] == "test")[:2]
    images_BCHW = space.images.images["test"]
    for row in held:
        found, own = place_network(space, own_of(space, row), steps=20), space.target(row)
        mine_B = classes_of_one(own.parameters_P, images_BCHW, own.arch)
        there = space.at(found.embedding_E)
        agreement = float((classes_of_one(there.parameters_P, images_BCHW, there.arch) == mine_B).float().mean())
        assert found.likeness == found.outside.agreement == pytest.approx(agreement, abs=1e-6) and found.encoded == "prep"
        assert "agreement" in found.outside.words and found.as_json()["encoded_agreement"] == found.encoded_likeness
        near = space.target(space.row(found.nearest))
        share = float((classes_of_one(near.parameters_P, images_BCHW, near.arch) == mine_B).float().mean())
        assert found.nearest_likeness == pytest.approx(share, abs=1e-6)
    row = int(space.trained[3])
    known = place_network(space, own_of(space, row), steps=0)  # the zoo that ships is in half precision
    assert known.nearest_likeness == 1 and torch.allclose(known.embedding_E, space.embeddings_NE[row], atol=0.05)


def test_a_classifier_that_answers_at_random_is_not_known(classifiers):
    torch.manual_seed(0)
    parameters_P = 3 * torch.cat([tensor.detach().flatten() for tensor in classifiers.arch.build().parameters()])
    found = place_network(classifiers, parameters_P, steps=20)
    assert found.outside.known is False and found.outside.hollow and "such networks" in found.outside.words
    assert place_network(classifiers, own_of(classifiers, int(classifiers.trained[3])), steps=0).outside.known is True  # control


def test_a_classifiers_file_of_any_architecture_is_placed(classifiers, host, tmp_path):
    """One that the encoder reads, and one of another architecture, which is placed by what it answers."""
    space, other = classifiers, host.space("netspace-digits-resnet8")
    row = int(np.flatnonzero(space.table["split"] == "test")[0])
    best = int(other.table[other.table["split"] == "train"]["val_accuracy"].idxmax())
    for of, at, encoded in ((space, row, "prep"), (other, best, "nearest")):
        own = of.target(at)
        path = tmp_path / f"{own.arch.id}.safetensors"
        save_file({name: tensor.clone() for name, tensor in unflatten(own.parameters_P.cpu(), own.arch).items()}, path)
        found, fit = place_what(space, str(path), 10, 0, quiet)
        assert fit is None and found.encoded == encoded and found.likeness >= 0.8, found
        for wrong in ({"activation": "relu"}, {"pose": Pose("z")}):
            with pytest.raises(InvalidValue, match=f"--{next(iter(wrong))}.*classifiers"):
                place_what(space, str(path), 10, 0, quiet, **wrong)
    save_file({name: tensor for name, tensor in tensors().items()}, tmp_path / "shape.safetensors")
    with pytest.raises((InvalidValue, CheckpointMismatch), match="shape.safetensors"):
        place_what(space, str(tmp_path / "shape.safetensors"), 1, 0, quiet)


def test_a_space_of_several_architectures_places_by_its_encoder(host):
    space = host.space("netspace-digits-multi")
    row = int(np.flatnonzero(space.table["split"] == "test")[0])
    found = place_network(space, own_of(space, row))
    assert found.steps == 0 and torch.equal(found.embedding_E, found.encoded_E) and found.likeness > 0.5
    with pytest.raises(InvalidValue, match="several architectures"):
        place_network(space, own_of(space, row), steps=5)
