"""The sparse mesh is the dense one, whatever the network; and what is said about meshes is right for known ones."""

import io

import numpy as np
import pytest
import torch
import trimesh

from engine.archs.siren import siren_field, stacked_layers
from engine.core.errors import InvalidValue
from engine.tasks.distances import measures, meshing
from engine.tasks.distances.chairs import random_chair, samples, sdf
from engine.tasks.distances.fitting import FitConfig, fit, start
from engine.tasks.distances.meshing import Mesh, NonFiniteField, NoSurface, grid_values, mesh, mesh_dense, numpy_field

CHAIRS = 20


@pytest.fixture(scope="module")
def fitted() -> list:
    """(weight, bias) pairs of 20 SIRENs, each fitted to a chair."""
    config = FitConfig(hidden=(48, 48), steps=400, batch=256)
    drawn = []
    for seed in range(CHAIRS):
        drawn.append(samples(random_chair(seed), 4096, seed))
    points, values = (torch.tensor(np.stack(column)) for column in zip(*drawn))
    layers = stacked_layers(fit(start(range(CHAIRS), config.hidden), points, values, config).params)
    return [[(weight[i], bias[i]) for weight, bias in layers] for i in range(CHAIRS)]


def between(layers_a, layers_b, gamma: float) -> list:
    """The same gamma applied to the weights: the wreck that a space of networks is there to avoid."""
    return [((1 - gamma) * wa + gamma * wb, (1 - gamma) * ba + gamma * bb) for (wa, ba), (wb, bb) in zip(layers_a, layers_b)]


def assert_same_triangles(field, resolution: int, level: float = 0.0) -> Mesh | NoSurface:
    ours, reference = mesh(field, resolution, level), mesh_dense(field, resolution, level)
    assert type(ours) is type(reference)
    if isinstance(reference, Mesh):
        assert np.array_equal(ours.faces_F3, reference.faces_F3)
        assert np.array_equal(ours.vertices_V3, reference.vertices_V3)
    else:
        assert ours.side == reference.side
    return ours


def test_fitted_networks_mesh_as_on_the_dense_grid(fitted):
    meshes = [assert_same_triangles(siren_field(layers), 64) for layers in fitted]
    assert np.mean([m.sparse for m in meshes]) > 0.2  # else nothing was shown
    assert np.mean([m.evaluated for m in meshes]) < 0.95 * 64**3


@pytest.mark.parametrize(("resolution", "count"), [(48, 5), (128, 3), (256, 1)])
def test_the_same_at_other_resolutions(fitted, resolution, count):
    meshes = [assert_same_triangles(siren_field(layers), resolution) for layers in fitted[:count]]
    assert all(m.evaluated < resolution**3 for m in meshes) or resolution < 64


@pytest.mark.parametrize(("resolution", "count"), [(64, 5), (128, 2), (256, 1)])
def test_weight_interpolated_networks_too(fitted, resolution, count):
    for i in range(count):
        assert_same_triangles(siren_field(between(fitted[i], fitted[i + 1], 0.5)), resolution)


def test_untrained_and_steepened_networks_too(fitted):
    layers = stacked_layers(start(range(4), (48, 48)).params)
    for i in range(4):
        assert_same_triangles(siren_field([(w[i], b[i]) for w, b in layers]), 64)
        (w1, b1), (w2, b2), last = fitted[i]
        assert_same_triangles(siren_field([(w1, b1), (1.5 * w2, b2), last]), 64)
    assert_same_triangles(siren_field(fitted[0]), 64, level=0.05)
    assert_same_triangles(siren_field(fitted[0]), 50, level=-0.03)


def lump(points: torch.Tensor) -> torch.Tensor:
    """A ball, exact."""
    return (points - 0.1).norm(dim=-1) - 0.5


def steep(points: torch.Tensor) -> torch.Tensor:
    """The same ball, ten times as steep within a shell just outside of it, and flat elsewhere."""
    distance = lump(points)
    return torch.where(distance > 0, 10 * distance.clamp(max=0.08) + 0.1 * distance, distance)


def test_a_wrong_bound_is_noticed_and_the_mesh_still_right():
    reference = mesh_dense(lump, 64)
    told_wrong = mesh(lump, 64, lipschitz=0.05)
    assert not told_wrong.sparse and np.array_equal(told_wrong.faces_F3, reference.faces_F3)
    told_right = mesh(lump, 64, lipschitz=1.0)
    assert told_right.sparse and told_right.evaluated < 0.3 * 64**3
    assert np.array_equal(told_right.vertices_V3, reference.vertices_V3)
    assert_same_triangles(steep, 64)
    assert_same_triangles(lambda p: 1000 * lump(p), 64)
    assert_same_triangles(lambda p: lump(p).clamp(-0.01, 0.01), 64)  # flat but near the surface: no slope to be measured


def test_without_the_checks_the_wrong_bound_would_tear_the_mesh(monkeypatch):
    """The control: it is the checks that save it."""
    field = lambda p: torch.where(lump(p) > 0, 0.2 * lump(p), 5 * lump(p))  # noqa: E731
    survive = meshing._surviving_blocks

    def unchecked(field, resolution, level, lipschitz, margin, device):
        return survive(lump, resolution, level, 0.4, margin, device)

    monkeypatch.setattr(meshing, "_surviving_blocks", unchecked)
    checked = mesh(field, 64)
    assert np.array_equal(checked.faces_F3, mesh_dense(field, 64).faces_F3) and not checked.sparse


def test_a_chair_of_known_slope_is_meshed_without_gradients():
    chair = random_chair(1)
    field = numpy_field(lambda points: sdf(chair, points))
    ours, reference = mesh(field, 96, lipschitz=1.0), mesh_dense(field, 96)
    assert ours.sparse and np.array_equal(ours.faces_F3, reference.faces_F3)
    said = measures.measure(ours)
    assert said.watertight and said.components == 1 and said.largest_share == 1.0
    inside = grid_values(field, 96) < 0
    assert said.volume == pytest.approx(inside.sum() * (2 / 95) ** 3, rel=0.03)
    assert np.linalg.norm(ours.vertices_V3, axis=-1).max() < 1


def test_an_empty_and_a_full_field_have_no_surface():
    for value, side in ((1.0, "outside"), (-1.0, "inside")):
        field = lambda p: p.sum(-1) * 0 + value  # noqa: E731, B023
        for found in (mesh(field, 32), mesh_dense(field, 32)):
            assert isinstance(found, NoSurface) and found.side == side
    assert isinstance(mesh(lump, 32, level=-5), NoSurface)
    assert isinstance(mesh(lump, 32, level=5), NoSurface)


def test_what_cannot_be_meshed_is_a_named_error():
    with pytest.raises(NonFiniteField):
        mesh(lambda p: p.sum(-1) * float("nan"), 32)
    with pytest.raises(NonFiniteField):
        mesh_dense(lambda p: p.sum(-1) / 0, 32)
    for resolution, level in ((4, 0.0), (100_000, 0.0), (32.5, 0.0), (32, float("nan"))):
        with pytest.raises(InvalidValue):
            mesh(lump, resolution, level)


def test_measures_of_known_solids():
    ball = mesh_dense(lump, 96)
    said = measures.measure(ball)
    assert said.volume == pytest.approx(4 / 3 * np.pi * 0.125, rel=0.01) and said.area == pytest.approx(np.pi, rel=0.01)
    two = measures.measure(mesh_dense(lambda p: torch.minimum((p - 0.4).norm(dim=-1) - 0.4, (p + 0.4).norm(dim=-1) - 0.2), 64))
    assert (two.components, two.watertight) == (2, True)
    assert two.largest_share == pytest.approx(8 / 9, rel=0.02)
    shell = measures.component_volumes(mesh_dense(lambda p: abs(p.norm(dim=-1) - 0.6) - 0.2, 64))
    assert sorted(np.sign(shell)) == [-1, 1]
    cut = measures.measure(mesh_dense(lambda p: p[:, 0], 16))
    assert not cut.watertight and cut.volume is None and cut.area == pytest.approx(4, rel=1e-4)


def test_iou_and_chamfer():
    axis = np.linspace(-1, 1, 40)
    x = np.stack(np.meshgrid(axis, axis, axis), -1)
    ball, half = np.linalg.norm(x, axis=-1) < 0.7, (np.linalg.norm(x, axis=-1) < 0.7) & (x[..., 0] > 0)
    assert measures.iou(ball, ball) == 1 and measures.iou(ball, half) == pytest.approx(0.5, abs=0.01)
    assert measures.iou(half, ~half) == 0 and measures.iou(half & False, half & False) is None
    with pytest.raises(InvalidValue):
        measures.iou(x[..., 0], x[..., 1])
    small, large = (mesh_dense(lambda p, r=r: p.norm(dim=-1) - r, 48) for r in (0.4, 0.6))
    assert measures.chamfer(small, large, 3000) == pytest.approx(0.2, abs=0.01)
    assert measures.chamfer(small, large, 3000) == measures.chamfer(small, large, 3000)
    assert measures.chamfer(small, small, 3000) < 0.02


@pytest.mark.parametrize("format", measures.FORMATS)
def test_an_exported_mesh_opens_elsewhere(format):
    ball = mesh_dense(lump, 32)
    again = trimesh.load_mesh(io.BytesIO(measures.to_bytes(ball, format)), file_type=format)
    assert len(again.faces) == len(ball.faces_F3)
    assert again.volume == pytest.approx(measures.measure(ball).volume, rel=1e-4)
    with pytest.raises(InvalidValue):
        measures.to_bytes(ball, "exe")
