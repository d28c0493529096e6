"""A space of shapes: its queries, eq. 2, its encoders, and what its figures say of spaces whose quality is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import trimesh

from engine.archs import architecture
from engine.archs.siren import Siren
from engine.core.artifacts import Store
from engine.core.config import digest
from engine.core.errors import DataMissing, InvalidValue
from engine.kinds.netspace.model import NetSpace, build
from engine.kinds.netspace.space import load_space
from engine.kinds.netspace.training import space_training
from engine.make import evaluate, train
from engine.nets.stacked import flatten
from engine.presets import config as preset
from engine.tasks.distances import measures
from engine.tasks.distances import measuring as shape_evaluate
from engine.tasks.distances.chairs import random_chair, topology
from engine.tasks.distances.config import ShapeZooConfig
from engine.tasks.distances.fitting import fit, start
from engine.tasks.distances.inversion import known, place
from engine.tasks.distances.measuring import evaluate_shapes, nearest, one_topology, whole_share
from engine.tasks.distances.networks import grid, insides, ious, layers_of, queries, values
from engine.tasks.distances.sampling import NoInside
from engine.tasks.distances.sources import chairs_of, source
from engine.tasks.distances.task import TASK as DISTANCES
from engine.tasks.distances.zoo import table_of
from engine.tasks.distances.zoo_training import ShapeZooTraining, flat, hidden_of, start_seed, unflat
from engine.tasks.zoo import Zoo
from tests.laws import resumable

ARCH = architecture("siren-small")
CONFIG = ShapeZooConfig(
    "siren-small", train=6, val=1, test=3, steps=150, batch=256, queries=4096, lr=3e-3, schedule="cosine", stack=10, half=False
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    """Ten chairs, fitted a little."""
    training = ShapeZooTraining(CONFIG, source("chairs", 10, 0))
    for index in range(training.total):
        training.step(index)
    parameters_NP = training.instances()
    return Zoo("zoo", (ARCH,), "chairs", parameters_NP, table_of(CONFIG, parameters_NP, training.source))


def test_a_zoo_in_stacks_and_lanes_is_each_network_fitted_alone(zoo):
    chairs = source("chairs", 10, 0)
    for i in (0, 7):
        points_1Q3, sdf_1Q = (torch.from_numpy(part)[None] for part in chairs.samples(i, CONFIG.queries))
        config = ShapeZooTraining(CONFIG, chairs).fit
        alone = fit(start([start_seed(CONFIG, i)], hidden_of(ARCH)), points_1Q3, sdf_1Q, config)
        grid_M3 = grid(16)
        with torch.inference_mode():
            alike = [
                values(layers_of(p, ARCH), grid_M3)[0] for p in (flat(alone.params, 1), zoo.parameters_NP[[i]], zoo.parameters_NP[[i - 1]])
            ]
        assert (alike[0] - alike[1]).abs().max() < 1e-3 < (alike[0] - alike[2]).abs().max()


def test_the_table_says_how_well_each_fits(zoo):
    assert zoo.table["fit_iou"].between(0.6, 1).all() and list(zoo.table["split"]).count("train") == 6
    chairs = chairs_of(zoo.table)
    assert [topology(chair) for chair in chairs] == list(zip(zoo.table["legs"], zoo.table["slats"], zoo.table["arms"]))
    module = ARCH.build()
    torch.nn.utils.vector_to_parameters(zoo.parameters_NP[3], module.parameters())
    with torch.no_grad():
        inside = (module(grid()) < 0).numpy()
    exact = source("chairs", 10, 0).sdf(3, grid().numpy()) < 0
    assert measures.iou(inside, exact) == pytest.approx(zoo.table["fit_iou"][3], abs=2e-3)
    other = source("chairs", 10, 0).sdf(4, grid().numpy()) < 0
    assert measures.iou(inside, other) < zoo.table["fit_iou"][3] - 0.1


def test_another_seed_is_other_chairs_from_other_starts():
    assert source("chairs", 3, 0).seeds != source("chairs", 3, 1).seeds
    assert len({start_seed(replace(CONFIG, seed=seed), i) for seed in (0, 1) for i in range(100)}) == 200
    assert digest(CONFIG) != digest(replace(CONFIG, seed=1))


def test_flat_and_back():
    parameters_NP = torch.randn(3, ARCH.parameters)
    assert torch.equal(flat(unflat(parameters_NP, ARCH), 3), parameters_NP)
    module = Siren((48, 48))
    assert torch.equal(flat({name: tensor[None] for name, tensor in module.state_dict().items()}, 1)[0], flatten(module))


def test_a_zoo_of_someones_meshes(tmp_path):
    trimesh.creation.icosphere(2).export(tmp_path / "a.ply")
    trimesh.creation.box((1, 2, 1)).export(tmp_path / "c.stl")
    (tmp_path / "b.obj").write_text("not a mesh")
    meshes = source(str(tmp_path), 2, 0)
    assert meshes.columns()["file"] == ["a.ply", "c.stl"]
    assert meshes.sdf(0, np.zeros((1, 3)))[0] == pytest.approx(-0.97, abs=0.03)
    drawn = meshes.samples(1, 64)
    assert (drawn.sdf_Q[::2] < 0).all() and (drawn.sdf_Q[1::2] >= 0).all()
    np.savez(tmp_path / "d.npz", pos=np.c_[drawn.points_Q3, drawn.sdf_Q][1::2], neg=np.c_[drawn.points_Q3, drawn.sdf_Q][::2])
    assert source(str(tmp_path), 3, 0).samples(2, 32).points_Q3.shape == (32, 3)
    with pytest.raises(InvalidValue, match="holds 3 usable shapes; 1 more .* needs 4"):
        source(str(tmp_path), 4, 0)
    with pytest.raises(DataMissing, match="chairs"):
        source(str(tmp_path / "nowhere"), 1, 0)


def test_queries_are_half_inside_in_turn_near_the_surface_and_repeat(zoo):
    layers = layers_of(zoo.parameters_NP[:3], ARCH)
    points_NQ3, answers_NQ = queries(layers, 1000, 5)
    assert points_NQ3.shape == (3, 1000, 3) and points_NQ3.abs().max() <= 1
    assert (answers_NQ[:, ::2] < 0).all() and (answers_NQ[:, 1::2] >= 0).all()
    assert torch.allclose(values(layers, points_NQ3), answers_NQ, atol=1e-4)
    assert (answers_NQ.abs() < 0.1).float().mean() > 0.7 and (answers_NQ > 0.3).any(-1).all()
    again, other = queries(layers, 1000, 5)[0], queries(layers, 1000, 6)[0]
    assert torch.equal(again, points_NQ3) and not torch.equal(other, points_NQ3)


@pytest.mark.parametrize("level", (-1.0, 1.0))
def test_a_network_without_surface_has_no_queries(level):
    parameters_NP = torch.zeros(1, ARCH.parameters)
    parameters_NP[0, -1] = level
    with pytest.raises(NoInside):
        queries(layers_of(parameters_NP, ARCH), 64, 0)


def test_insides_and_ious_are_those_of_the_slow_way(zoo):
    inside_NM = insides(layers_of(zoo.parameters_NP[:3], ARCH), 20)
    slow = [(siren_of(row_P)(grid(20)) < 0).detach() for row_P in zoo.parameters_NP[:3]]
    assert all((a != b).float().mean() < 1e-3 for a, b in zip(inside_NM, slow))
    pairs = ious(inside_NM, inside_NM.roll(1, 0))
    assert pairs.tolist() == pytest.approx([measures.iou(a.numpy(), b.numpy()) for a, b in zip(inside_NM, inside_NM.roll(1, 0))])
    assert ious(torch.zeros(1, 8, dtype=bool), torch.zeros(1, 8, dtype=bool)).isnan().all(), "two empty grids are no perfect fit"
    best = [max(measures.iou(a.numpy(), b.numpy()) for b in inside_NM[1:]) for a in inside_NM[:1]]
    assert nearest(inside_NM[:1], inside_NM[1:]).tolist() == pytest.approx(best, abs=1e-5)


def siren_of(parameters_P: torch.Tensor) -> Siren:
    module = Siren((48, 48))
    torch.nn.utils.vector_to_parameters(parameters_P, module.parameters())
    return module


def test_a_step_is_eq_2(zoo):
    """The loss is the mean squared difference of predicted and target networks on the same queries, half of them inside."""
    training = space_training(replace(resumable.SHAPE_SPACE, noise=0.0, networks=6, points=512, queries=512), zoo)
    expected = []
    for row, parameters_P in enumerate(zoo.parameters_NP[zoo.rows("train")]):
        with torch.no_grad():
            predicted = siren_of(training.model.decode(training.model.encode(parameters_P[None]))[0])
            points_Q3 = training.objective.points_NQ3[row]
            expected.append((predicted(points_Q3) - siren_of(parameters_P)(points_Q3)).square().mean())
    assert training.step(0)["loss"] == pytest.approx(float(torch.stack(expected).mean()), rel=1e-3)


def permuted(parameters_NP: torch.Tensor) -> torch.Tensor:
    """The same functions with other weights: hidden units in another order, some of them with signs changed twice."""
    tensors = unflat(parameters_NP, ARCH)
    one, two = (torch.randperm(48, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    sign = torch.where(torch.arange(48) % 2 == 0, 1.0, -1.0)
    tensors["layers.0.weight"] = tensors["layers.0.weight"][:, one] * sign[:, None]
    tensors["layers.0.bias"] = tensors["layers.0.bias"][:, one] * sign
    tensors["layers.1.weight"] = tensors["layers.1.weight"][:, two][:, :, one] * sign
    tensors["layers.1.bias"] = tensors["layers.1.bias"][:, two]
    tensors["layers.2.weight"] = tensors["layers.2.weight"][:, :, two]
    return flat(tensors, len(parameters_NP))


def test_the_probe_encoder_is_blind_to_the_order_of_hidden_units(zoo):
    other_NP = permuted(zoo.parameters_NP)
    with torch.no_grad():
        same = values(layers_of(zoo.parameters_NP, ARCH), grid(8)) - values(layers_of(other_NP, ARCH), grid(8))
        assert same.abs().max() < 1e-4 < (zoo.parameters_NP - other_NP).abs().max()
        moved = {}
        for encoder in ("probe", "prep"):
            model = build(replace(resumable.SHAPE_SPACE, encoder=encoder), (ARCH,), zoo.parameters_NP, answer=DISTANCES.answer(ARCH))
            one_NE, two_NE = model.encode(zoo.parameters_NP), model.encode(other_NP)
            assert one_NE.std(0).max() > 0  # it does tell the instances apart
            moved[encoder] = float((one_NE - two_NE).norm() / one_NE.std(0).norm())
    assert moved["probe"] < 1e-2 and moved["prep"] > 0.1, moved


class Identity(torch.nn.Module):
    """A space that keeps every network as it is."""

    def encode(self, parameters_NP):
        return parameters_NP

    def decode(self, embeddings_NE):
        return embeddings_NE


class First(Identity):
    """A space that knows one network."""

    def __init__(self, parameters_P):
        super().__init__()
        self.parameters_P = parameters_P

    def decode(self, embeddings_NE):
        return embeddings_NE * 0 + self.parameters_P


@pytest.fixture
def cheap(monkeypatch):
    for name, value in {"PATH_PAIRS": 2, "CHAMFERS": 1, "RESOLUTION": 32, "GAMMAS": [0.5], "STEPS": 0, "SCORED": 256}.items():
        monkeypatch.setattr(shape_evaluate, name, value)


def one_kind(zoo: Zoo) -> pd.DataFrame:
    """The zoo's table as if all chairs were of one topology, and each the chair of its row."""
    return zoo.table.assign(
        seed=[next(seed for seed in range(5, 500) if topology(random_chair(seed)) == topology(random_chair(0)))] * len(zoo.table)
    )


def test_a_perfect_space_predicts_its_targets_and_walks_along_the_weights(zoo, cheap):
    found = evaluate_shapes(Identity(), zoo.parameters_NP, one_kind(zoo), ARCH)[0]
    for name in (
        "predicted_iou_mean",
        "predicted_iou_min",
        "heldout_iou_mean",
        "heldout_encoded_iou_mean",
        "predicted_within_0.01_mean",
        "heldout_beats_nearest_share",
    ):
        assert found[name]["value"] == 1, name
    assert 0 < found["nearest_iou_mean"]["value"] < 0.95
    assert found["midpoint_iou_mean"]["value"] == found["weight_midpoint_iou_mean"]["value"] < found["sdf_mean_midpoint_iou_mean"]["value"]
    assert found["midpoint_iou_mean"]["n"] == 15 and found["heldout_midpoint_iou_mean"]["n"] == 3
    assert found["predicted_chamfer_mean"]["value"] < 0.02  # that of two samples of one surface
    assert found["fit_iou_mean"]["value"] == pytest.approx(zoo.table["fit_iou"].mean(), abs=1e-5)


def test_a_space_of_one_shape_is_told_apart(zoo, cheap):
    first = zoo.rows("train")[0]
    found = evaluate_shapes(First(zoo.parameters_NP[first]), zoo.parameters_NP, zoo.table, ARCH)[0]
    assert found["predicted_iou_mean"]["value"] < 0.8 and found["predicted_within_0.01_mean"]["value"] < 0.6
    assert found["heldout_beats_nearest_share"]["value"] == 0 and found["predicted_chamfer_mean"]["value"] > 0.02
    assert found["path_whole_share"]["value"] == 1


def test_broken_meshes_on_the_way_count(zoo, cheap):
    rows = np.array(zoo.rows("train"))
    parts = siren_of(zoo.parameters_NP[rows[0]])
    assert whole_share(First(flatten(parts)).decode, zoo.parameters_NP, rows, ARCH, 0)["value"] == 1
    lost = torch.zeros(ARCH.parameters)
    lost[-1] = 1.0  # outside everywhere
    assert whole_share(First(lost).decode, zoo.parameters_NP, rows, ARCH, 0)["value"] == 0
    waves = torch.zeros(ARCH.parameters)  # sin(30 x) - 0.5: slabs
    with torch.no_grad():
        tensors = unflat(waves[None], ARCH)
        tensors["layers.0.weight"][0, 0, 0] = 0.3
        tensors["layers.1.weight"][0, 0, 0] = 1 / 30
        tensors["layers.2.weight"][0, 0, 0] = 1.0
        tensors["layers.2.bias"][0, 0] = 0.5
    assert whole_share(First(flat(tensors, 1)[0]).decode, zoo.parameters_NP, rows, ARCH, 0)["value"] == 0


def test_pairs_are_of_one_topology_and_drawn_once():
    chairs = [random_chair(seed) for seed in range(60)]
    pairs = one_topology(chairs, np.arange(0, 60, 2), 0)
    assert len(pairs) == len(set(pairs)) == shape_evaluate.MIDPOINT_PAIRS and all(a != b and a % 2 == b % 2 == 0 for a, b in pairs)
    assert all(topology(chairs[a]) == topology(chairs[b]) for a, b in pairs)
    assert pairs == one_topology(chairs, np.arange(0, 60, 2), 0) != one_topology(chairs, np.arange(0, 60, 2), 1)


def test_inversion_comes_nearer_to_the_network(zoo):
    """In a space that keeps weights, from disturbed weights; without steps nothing moves."""
    targets = layers_of(zoo.parameters_NP[:2], ARCH)
    disturbed_NE = zoo.parameters_NP[:2] + 0.002 * torch.randn(2, ARCH.parameters, generator=torch.Generator().manual_seed(0))
    space = known(zoo.parameters_NP[5:], layers_of(zoo.parameters_NP[5:], ARCH))
    space = replace(space, spread=0.02)
    inside_NM = insides(targets, 24)
    found = {steps: place(Identity(), ARCH, targets, disturbed_NE, space, steps) for steps in (0, 30)}
    assert torch.equal(found[0], disturbed_NE)
    before, after = (ious(insides(layers_of(found[steps], ARCH), 24), inside_NM).mean() for steps in (0, 30))
    assert after > before + 0.005, (before, after)


def test_inversion_begins_at_the_nearest_where_the_encoder_is_worse(zoo):
    targets = layers_of(zoo.parameters_NP[:2], ARCH)
    space = known(zoo.parameters_NP, layers_of(zoo.parameters_NP, ARCH))
    assert space.nearest(targets).tolist() == [0, 1]
    wrong_NE = zoo.parameters_NP[[1, 1]]
    assert torch.equal(place(Identity(), ARCH, targets, wrong_NE, space, 0), zoo.parameters_NP[:2])
    assert torch.equal(place(Identity(), ARCH, targets, None, space, 0), zoo.parameters_NP[:2])


def test_the_papers_sizes():
    zoo, space = preset("zoo-chairs-paper"), preset("netspace-chairs-paper")
    assert (zoo.train, zoo.steps, zoo.batch, zoo.lr, zoo.schedule) == (1000, 10_000, 20_000, 1e-4, "steps")
    assert (space.prep_height, space.prep_width, space.embedding, space.networks, space.points, space.encoder) == (
        8,
        10_000,
        4096,
        4,
        50_000,
        "prep",
    )
    with torch.device("meta"):
        model = NetSpace(space, architecture(zoo.architecture).parameters, DISTANCES.answer(architecture(zoo.architecture)))
        assert model.decode(model.encode(torch.empty(2, 67_073))).shape == (2, 67_073)
    tables = zoo.train * space.queries * 4 * 4
    assert tables < 1 << 30  # bytes of all queries and answers


def test_the_papers_space_takes_a_step():
    arch = architecture("siren")
    torch.manual_seed(0)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(3)])
    parameters_NP[:, -1] -= (values(layers_of(parameters_NP, arch), grid(8))).median(-1)[0]  # each has an inside
    table = pd.DataFrame({"split": ["train", "train", "val"]})
    training = space_training(
        replace(preset("netspace-chairs-paper"), networks=1, points=512, queries=512), Zoo("zoo", (arch,), "chairs", parameters_NP, table)
    )
    before = {name: tensor.clone() for name, tensor in training.model.named_parameters()}
    assert 0 < training.step(0)["loss"] < 1
    assert all((tensor.detach() - before[name]).abs().max() > 0 for name, tensor in training.model.named_parameters())


def test_the_papers_zoo_takes_a_step(monkeypatch):
    monkeypatch.setattr("engine.tasks.distances.zoo_training.CHUNK", 1)
    training = ShapeZooTraining(replace(preset("zoo-chairs-paper"), batch=200, queries=400, stack=1), source("chairs", 1032, 0))
    assert training.total == 1032 * 10_000 and 0 < training.step(0)["loss"] < 1
    assert training.parameters_NP[0].abs().sum() > 0 and training.parameters_NP[1:].abs().sum() == 0


def test_a_space_of_someones_meshes_from_files_to_figures(tmp_path, cheap, monkeypatch):
    """A folder of meshes, one of them broken, becomes a zoo and a space of that zoo, which is hosted and measured again."""
    monkeypatch.setattr("engine.tasks.distances.sheet.sheet_of", lambda *_: {"webp": np.zeros(1, np.uint8)})
    monkeypatch.setattr(
        "engine.kinds.netspace.finish.project", lambda embeddings_NE, *_: (embeddings_NE[:, :2], embeddings_NE[:, :3])
    )  # UMAP takes long to compile
    folder, store = tmp_path / "meshes", Store(tmp_path / "workspace", tmp_path / "gallery")
    folder.mkdir()
    for i in range(6):
        trimesh.creation.box((0.6 + 0.1 * i, 1, 1.2 - 0.1 * i)).export(folder / f"{i}.ply")
    (folder / "3.ply").write_bytes(b"ply")
    config = replace(CONFIG, dataset=str(folder), train=3, val=1, test=1, steps=60)

    def silent(title, total):
        return lambda step, metrics: None

    made = train(store, "zoo-chairs", config, "cpu", silent, "zoo-boxes")
    table = made.table("instances.parquet")
    assert list(table["file"]) == ["0.ply", "1.ply", "2.ply", "4.ply", "5.ply"] and table["fit_iou"].min() > 0.6
    space_config = replace(resumable.SHAPE_SPACE, zoo="zoo-boxes", steps=5, networks=3, half=True)
    artifact = train(store, "netspace-chairs", space_config, "cpu", silent, "netspace-boxes")
    assert set(artifact.manifest.inputs) == {"zoo-boxes"} and "midpoint_iou_mean" not in artifact.manifest.metrics
    again, stored = evaluate(store, artifact, "cpu"), artifact.manifest.metrics
    assert {name: entry["value"] for name, entry in again.items()} == {
        name: entry["value"] for name, entry in stored.items() if name not in ("seconds", "cpu_seconds")
    }
    assert evaluate(store, made, "cpu")["fit_iou_mean"] == made.manifest.metrics["fit_iou_mean"]
    space = load_space(store, "netspace-boxes")
    assert space.task.id == "distances" and space.images is None and space.config == space_config
