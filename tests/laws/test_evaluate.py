"""What the figures of a space say of spaces whose quality is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import datasets
from engine.archs import architecture
from engine.kinds.netspace import umap_map
from engine.kinds.netspace.umap_map import place, project
from engine.nets.alignment import WAYS, applied, drawn, flat, named, ties
from engine.nets.answers import accuracies
from engine.nets.stacked import logits
from engine.tasks.images.config import ZooConfig
from engine.tasks.images.losses import distillation, soft_accuracy, spread
from engine.tasks.images.lso import invert
from engine.tasks.images.measuring import evaluate, pairs
from engine.tasks.images.zoo_training import ZooTraining

ARCH = architecture("lenetlike-digits")


class Identity:
    """A space that keeps every network as it is."""

    def encode(self, parameters_NP):
        return parameters_NP

    def decode(self, embeddings_NE):
        return embeddings_NE


class Mute(Identity):
    """A space in which every network answers the same."""

    def decode(self, embeddings_NE):
        return embeddings_NE * 0


@pytest.fixture(scope="module")
def images():
    return datasets.load("digits")


@pytest.fixture(scope="module")
def targets_NP(images):
    training = ZooTraining(ZooConfig(ARCH.id, "digits", train=6, val=1, test=1, batch=32, lr=4e-3, steps_min=2, steps_max=60), images)
    for index in range(training.total):
        training.step(index)
    return training.instances()


def test_a_perfect_space_has_no_gap_and_walks_along_the_weights(targets_NP, images, monkeypatch):
    monkeypatch.setattr("engine.tasks.images.measuring.INVERSION_STEPS", 0)
    metrics = evaluate(Identity(), targets_NP, ARCH, images, "all", "val")
    assert metrics["gap_mean"]["value"] == 0 and metrics["agreement"]["value"] == 1
    assert metrics["gap_correlation"]["value"] == pytest.approx(1)
    assert metrics["path_floor_mean"] == metrics["weight_path_floor_mean"]
    assert metrics["path_spearman_mean"] == metrics["weight_path_spearman_mean"]
    assert metrics["gap_mean"]["n"] == len(targets_NP) and metrics["gap_mean"]["split"] == "all instances, val images"


def test_networks_that_differ_by_the_order_of_their_units_are_one_network_once_aligned(targets_NP, images, monkeypatch):
    """The baseline told beside the space: of one network in five orders of its units the aligned path is flat, the plain one not."""
    monkeypatch.setattr("engine.tasks.images.measuring.INVERSION_STEPS", 0)
    known, random = ties(ARCH), np.random.default_rng(0)
    accuracy_N = accuracies(targets_NP, images.images["val"], images.labels["val"], ARCH)
    best, accuracy = named(ARCH, targets_NP[accuracy_N.argmax()]), float(accuracy_N.max())
    copies_NP = torch.stack([flat(ARCH, applied(known, drawn(known, random), best)) for _ in range(5)])
    metrics = evaluate(Identity(), copies_NP, ARCH, images, "all", "val")
    assert metrics["path_beats_mixing_share"]["value"] == 0, "a space that mixes weights beats none"
    for way in WAYS:  # REPAIR has nothing to put right
        assert metrics[f"{way.replace('-', '_')}_path_floor_mean"]["value"] == pytest.approx(accuracy, abs=0.01), way
    assert metrics["weight_path_floor_mean"]["value"] < accuracy - 0.05


def test_a_space_that_answers_alike_is_told_apart(targets_NP, images, monkeypatch):
    monkeypatch.setattr("engine.tasks.images.measuring.INVERSION_STEPS", 0)
    metrics = evaluate(Mute(), targets_NP, ARCH, images, "all", "val")
    assert metrics["gap_correlation"]["value"] is None and metrics["gap_correlation"]["reason"]
    assert metrics["gap_mean"]["value"] > 0.2 and metrics["agreement"]["value"] < 0.5


def test_pairs_are_of_different_instances_and_of_their_kind():
    accuracy_N = np.linspace(0.1, 0.98, 45)
    chosen = pairs(accuracy_N, seed=0)
    assert all(accuracy_N[a] < 0.3 and accuracy_N[b] >= 0.9 for a, b in chosen["poor_good"])
    assert all(a != b and min(accuracy_N[[a, b]]) >= 0.9 for a, b in chosen["good_good"])
    assert chosen == pairs(accuracy_N, seed=0) != pairs(accuracy_N, seed=1)


@pytest.mark.parametrize(
    "count, lowest, highest, poor_good, good_good", [(2, 0.1, 0.98, 1, 1), (16, 0.4, 0.6, 16, 6), (90, 0.1, 0.98, 32, 32)]
)
def test_no_pair_is_measured_twice(count, lowest, highest, poor_good, good_good):
    """Of 16 instances, none of them poor, the quarters have four each: 4 x 4 lines from one to the other, 4 x 3 / 2 within one."""
    chosen = pairs(np.linspace(lowest, highest, count), seed=0)
    for name, expected in (("poor_good", poor_good), ("good_good", good_good)):
        assert len(chosen[name]) == len({frozenset(pair) for pair in chosen[name]}) == expected


def test_inversion_comes_nearer_to_the_targets_answers(targets_NP, images):
    start_NE = targets_NP + 0.1 * torch.randn(targets_NP.shape, generator=torch.Generator().manual_seed(0))
    train_BCHW = images.images["train"]
    placed_NE = invert(Identity(), ARCH, targets_NP, start_NE, images, 30)
    target_NBK = logits(targets_NP, train_BCHW, ARCH)

    def loss(parameters_NP):
        return (distillation(logits(parameters_NP, train_BCHW, ARCH), target_NBK, 4.0) / spread(target_NBK)).mean().item()

    assert loss(placed_NE) < 0.5 * loss(start_NE)
    assert loss(targets_NP) == pytest.approx(0, abs=1e-5)


def test_soft_accuracy_is_near_the_accuracy_and_has_a_gradient(targets_NP, images):
    images_BCHW, labels_B = images.images["val"], images.labels["val"]
    parameters_NP = targets_NP.clone().requires_grad_()
    logits_NBK = logits(parameters_NP, images_BCHW, ARCH)
    soft_N = soft_accuracy(logits_NBK, labels_B, spread(logits_NBK).detach())
    hard_N = accuracies(targets_NP, images_BCHW, labels_B, ARCH)
    assert (soft_N - hard_N).abs().max() < 0.12
    (gradient_NP,) = torch.autograd.grad(soft_N.sum(), parameters_NP)
    assert gradient_NP.abs().amax(-1).min() > 0


def test_a_known_embedding_is_put_near_its_own_point_and_a_far_one_inside_the_picture():
    random = np.random.default_rng(0)
    embeddings_NE = np.repeat(np.eye(3), 40, 0) * 10 + random.normal(size=(120, 3))
    picture_ND = np.repeat([[0, 0], [5, 0], [0, 5]], 40, 0) + random.normal(size=(120, 2)) * 0.1
    placed_ND = place(embeddings_NE, embeddings_NE, picture_ND)
    assert np.linalg.norm(placed_ND - picture_ND, axis=1).max() < 1  # its own cluster, not another
    far = place(np.full((1, 3), 100.0), embeddings_NE, picture_ND)
    assert (far >= picture_ND.min(0)).all() and (far <= picture_ND.max(0)).all()
    swapped = place(embeddings_NE, embeddings_NE, picture_ND[::-1])
    assert np.linalg.norm(swapped - picture_ND, axis=1).max() > 1


def clusters(count: int, clusters: int = 8, width: int = 12) -> np.ndarray:
    """Embeddings [N, E] about some middles, float32, far from the origin, where differences of squares are rounded."""
    random = np.random.default_rng(1)
    middles = 4 * random.normal(size=(clusters, width))
    return (100 + middles[np.arange(count) % clusters] + random.normal(size=(count, width))).astype(np.float32)


def plainly(points_ME: np.ndarray, embeddings_NE: np.ndarray, picture_ND: np.ndarray) -> np.ndarray:
    """UMAP's weights alone, in double precision: where `place` puts what no known point coincides with."""
    distances_MN = np.linalg.norm(points_ME[:, None].astype(float) - embeddings_NE[None], axis=2)
    near_MK = np.argsort(distances_MN, axis=1)[:, : umap_map.NEIGHBOURS]
    beyond_MK = np.take_along_axis(distances_MN, near_MK, 1) - distances_MN.min(1, keepdims=True)
    weight_MK = np.exp(-beyond_MK / (beyond_MK.mean(1, keepdims=True) / np.log2(umap_map.NEIGHBOURS)))
    return (weight_MK[..., None] * picture_ND[near_MK]).sum(1) / weight_MK.sum(1, keepdims=True)


def test_a_known_embedding_drawn_again_lies_on_its_own_point_and_what_is_near_it_near_there():
    embeddings_NE = clusters(160)
    picture_ND = umap_map.principal(embeddings_NE, 2)
    wide = np.ptp(picture_ND)
    assert np.abs(place(embeddings_NE, embeddings_NE, picture_ND) - picture_ND).max() < 1e-5 * wide
    assert np.abs(plainly(embeddings_NE, embeddings_NE, picture_ND) - picture_ND).max() > 1e-2 * wide, "the control: it was beside itself"
    close_NE = embeddings_NE + np.float32(0.01)
    assert np.abs(place(close_NE, embeddings_NE, picture_ND) - picture_ND).max() < 1e-2 * wide, "no jump beside a known point"
    others_ME = clusters(320)[160:]
    assert np.abs(place(others_ME, embeddings_NE, picture_ND) - plainly(others_ME, embeddings_NE, picture_ND)).max() < 1e-3 * wide


def test_of_a_large_zoo_a_sample_is_fitted_and_the_others_land_where_they_belong(monkeypatch):
    """As near to their neighbours as where the picture of all has them; the same from the same seed; with its progress."""
    embeddings_NE = clusters(240)
    monkeypatch.setattr(umap_map, "fitted", umap_map.principal)
    whole = project(embeddings_NE)[0]
    monkeypatch.setattr(umap_map, "SAMPLE", 80)
    monkeypatch.setattr(umap_map, "BLOCK", 4000)
    told = []
    flat, solid = project(embeddings_NE, lambda title, total: lambda step, metrics: told.append((step, total)))
    assert flat.shape == (240, 2) and solid.shape == (240, 3) and flat.dtype == solid.dtype == np.float32
    assert [step for step, _ in told] == list(range(told[0][1])) and len(told) > 4
    assert np.array_equal(project(embeddings_NE)[0], flat)
    distances_NN = np.linalg.norm(embeddings_NE[:, None] - embeddings_NE[None], axis=2)
    near_NK = np.argsort(distances_NN, axis=1)[:, 1:6]

    def apart(picture_ND, near_NK=near_NK):
        return np.linalg.norm(picture_ND[:, None] - picture_ND[near_NK], axis=2).mean() / np.ptp(picture_ND)

    assert apart(flat) < 1.2 * apart(whole)
    assert apart(flat, np.random.default_rng(0).permutation(near_NK)) > 2 * apart(flat), "the control: of others they are not near"
