"""What must hold of every chair, its queries and the SIRENs fitted to it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from engine.archs.sine import sine, sine_
from engine.archs.siren import Siren, siren_forward, stacked_layers
from engine.core.errors import InvalidValue
from engine.tasks.distances import sampling
from engine.tasks.distances.chairs import (
    RADIUS,
    Chair,
    interpolate,
    normalised_parts,
    random_chair,
    samples,
    sdf,
    surface,
    topology,
)
from engine.tasks.distances.fitting import FitConfig, fit, start

seeds = st.integers(0, 2**31)
slow = settings(max_examples=15, deadline=None)


def grid(resolution: int) -> np.ndarray:
    axis = np.linspace(-1, 1, resolution)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def steepest(field, seed: int, count: int = 400) -> float:
    """The largest slope of a field between random points of the cube, far apart and close together."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1.2, 1.2, (count, 3))
    b = a + rng.standard_normal((count, 3)) * rng.choice([1e-3, 1e-1, 1.0], (count, 1))
    return float((abs(field(a) - field(b)) / np.linalg.norm(a - b, axis=-1)).max())


@slow
@given(seeds)
def test_distances_change_no_faster_than_the_point_moves(seed):
    chair = random_chair(seed)
    assert steepest(lambda points: sdf(chair, points), seed) <= 1 + 1e-9


def test_a_field_that_is_too_steep_is_noticed():
    chair = random_chair(0)
    assert steepest(lambda points: 1.05 * sdf(chair, points), 0) > 1 + 1e-3


@slow
@given(seeds)
def test_every_chair_fills_the_ball_and_no_more(seed):
    chair = random_chair(seed)
    points = surface(chair, 2000, np.random.default_rng(seed))
    assert np.linalg.norm(points, axis=-1).max() <= RADIUS + 1e-9
    assert np.linalg.norm(points, axis=-1).max() > 0.93 * RADIUS
    assert abs(points.max(0) + points.min(0)).max() < 0.1  # its box is centred, up to what 2 000 points miss of it
    assert (sdf(chair, np.array([[0, 1.0, 0], [1, 1, 1], [0, -1, 0], [-1, 0, 0]])) > 0).all()


@slow
@given(seeds)
def test_the_sign_is_right_at_known_points(seed):
    chair = random_chair(seed)
    parts = normalised_parts(chair)
    assert (sdf(chair, parts.centre_K3) < 0).all()
    on = surface(chair, 300, np.random.default_rng(seed))
    assert abs(sdf(chair, on)).max() < 1e-7
    seat = parts.centre_K3[0]
    front = seat + [0, parts.half_K3[0, 1] + 0.05, 0.5 * parts.half_K3[0, 2]]  # the air above the seat
    assert sdf(chair, front[None])[0] == pytest.approx(0.05, abs=0.03)


@slow
@given(seeds)
def test_outside_the_distance_is_exact(seed):
    """No sampled surface point is nearer than the distance says, and the nearest is not much farther."""
    chair = random_chair(seed)
    rng = np.random.default_rng(seed)
    cloud = surface(chair, 8000, rng)
    points = rng.uniform(-1, 1, (40, 3))
    points = points[sdf(chair, points) > 0.02]
    nearest = np.linalg.norm(points[:, None] - cloud, axis=-1).min(1)
    distance = sdf(chair, points)
    assert (nearest >= distance - 1e-9).all()
    assert (nearest <= distance + 0.05).all()


@slow
@given(seeds)
def test_inside_the_depth_is_never_overrated(seed):
    chair = random_chair(seed)
    rng = np.random.default_rng(seed)
    cloud = surface(chair, 5000, rng)
    points = cloud[:200] + 0.03 * rng.standard_normal((200, 3))
    depth = -sdf(chair, points)
    nearest = np.linalg.norm(points[:, None] - cloud, axis=-1).min(1)
    assert (nearest[depth > 0] >= depth[depth > 0] - 1e-9).all()


def test_a_thousand_chairs_are_distinct_in_one_piece_and_thick():
    chairs = [random_chair(seed) for seed in range(1000)]
    assert len(set(chairs)) == 1000
    assert chairs == [random_chair(seed) for seed in range(1000)]
    assert min(normalised_parts(chair).half_K3.min() for chair in chairs) >= 0.08
    kinds = {topology(chair) for chair in chairs}
    assert len(kinds) == 18
    points = grid(32)
    pieces = [label((sdf(chair, points) < 0).reshape(32, 32, 32))[1] for chair in chairs[:60]]
    assert pieces == [1] * 60
    fields = np.stack([sdf(chair, points[::20]) for chair in chairs[:60]])
    apart = abs(fields[:, None] - fields).max(-1) + np.eye(60)
    assert apart.min() > 1e-3


@slow
@given(seeds, seeds, st.floats(0, 1))
def test_chairs_between_two_of_a_kind(seed_a, seed_b, gamma):
    a = random_chair(seed_a)
    b = replace(random_chair(seed_b), legs=a.legs, slats=a.slats, arms=a.arms)
    between = interpolate(a, b, gamma)
    assert topology(between) == topology(a)
    assert interpolate(a, b, 0) == a and interpolate(a, b, 1) == b
    assert min(a.width, b.width) - 1e-12 <= between.width <= max(a.width, b.width) + 1e-12
    assert interpolate(a, a, gamma).depth == pytest.approx(a.depth)


def test_chairs_of_two_kinds_have_none_between_them():
    a, b = random_chair(0), replace(random_chair(1), legs="pedestal", base_radius=0.4)
    with pytest.raises(InvalidValue, match="one topology"):
        interpolate(replace(a, legs="straight"), b, 0.5)
    with pytest.raises(InvalidValue, match="gamma"):
        interpolate(a, a, 1.5)


@pytest.mark.parametrize("wrong", [{"legs": "none"}, {"slats": 7}, {"width": float("nan")}, {"depth": -1.0}])
def test_an_impossible_chair_is_refused(wrong):
    values = {**random_chair(0).__dict__, **wrong}
    with pytest.raises(InvalidValue):
        Chair(**values)


def test_queries_are_half_inside_in_turn_and_repeat_by_seed():
    chair = random_chair(3)

    drawn = samples(chair, 2001, 5)
    assert drawn.points_Q3.shape == (2002, 3) and drawn.sdf_Q.shape == (2002,)
    assert (drawn.sdf_Q[::2] < 0).all() and (drawn.sdf_Q[1::2] >= 0).all()
    assert abs(drawn.points_Q3).max() <= 1
    assert np.allclose(sdf(chair, drawn.points_Q3), drawn.sdf_Q, atol=1e-6)
    assert np.mean(abs(drawn.sdf_Q) < 0.1) > 0.8 and (drawn.sdf_Q > 0.3).any()  # near the surface, and in the cube
    assert np.array_equal(drawn.points_Q3, samples(chair, 2001, 5).points_Q3)
    assert not np.array_equal(drawn.points_Q3, samples(chair, 2001, 6).points_Q3)


def test_a_shape_without_inside_is_a_named_error():
    flat = lambda p: abs(p[:, 1])  # noqa: E731
    with pytest.raises(sampling.NoInside):
        sampling.draw(flat, lambda n, rng: rng.uniform(-1, 1, (n, 3)) * [1, 0, 1], 100, 0)


def test_the_fast_sine_is_the_sine():
    x = torch.cat([torch.linspace(-200, 200, 10_001), torch.tensor([1e4, -1e4, 0.0])]).requires_grad_()
    exact = torch.sin(x.detach().double())
    assert (sine(x).detach() - exact).abs().max() < 5e-7
    (gradient,) = torch.autograd.grad(sine(x).sum(), x)
    assert (gradient - torch.cos(x.detach().double())).abs().max() < 5e-7
    assert torch.equal(sine_(x.detach().clone()), sine(x).detach())
    assert sine(torch.tensor([float("nan"), float("inf")])).isnan().all()
    wide = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sine, wide) and torch.equal(sine(wide), torch.sin(wide))


def test_sirens_have_the_published_sizes_and_start():
    assert sum(p.numel() for p in Siren((256, 256)).parameters()) == 67_073
    assert sum(p.numel() for p in Siren((48, 48)).parameters()) == 2_593
    first, second, _ = Siren((256, 256)).layers
    assert 0.32 < first.weight.abs().max() <= 1 / 3
    bound = (6 / 256) ** 0.5 / 30
    assert 0.98 * bound < second.weight.abs().max() <= bound


def test_many_sirens_at_once_answer_as_each_alone():
    torch.manual_seed(0)
    modules = [Siren((16, 8)) for _ in range(3)]
    points = torch.rand(3, 50, 3)
    stacked = {name: torch.stack([dict(m.named_parameters())[name] for m in modules]) for name, _ in modules[0].named_parameters()}
    alone = torch.stack([module(p) for module, p in zip(modules, points)])
    assert torch.allclose(siren_forward(stacked_layers(stacked), points), alone, atol=1e-5)
    mapped = torch.func.vmap(lambda w, p: torch.func.functional_call(modules[0], w, (p,)))(stacked, points)
    assert torch.allclose(mapped, alone, atol=1e-5)


def pools(count: int, queries: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = [samples(random_chair(seed), queries, 0) for seed in range(count)]
    return torch.tensor(np.stack([s.points_Q3 for s in drawn])), torch.tensor(np.stack([s.sdf_Q for s in drawn]))


def plain_fit(seed: int, points: torch.Tensor, values: torch.Tensor, config: FitConfig) -> dict[str, torch.Tensor]:
    """One SIREN, as anyone would write it."""
    torch.manual_seed(seed)
    model = Siren(config.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    for step in range(config.steps):
        batch = slice(step % (len(values) // config.batch) * config.batch, None)
        x, y = points[batch][: config.batch], values[batch][: config.batch]
        for layer in model.layers[:-1]:
            x = torch.sin(30 * layer(x))
        loss = torch.nn.functional.mse_loss(model.layers[-1](x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return {name: tensor.detach() for name, tensor in model.named_parameters()}


def test_stacked_fitting_equals_one_by_one():
    points, values = pools(4, 1024)
    config = FitConfig(hidden=(24, 24), steps=40, batch=256, lr=1e-3)
    state = start([11, 12, 13, 14], config.hidden)
    fitted = fit(state, points, values, config)
    moved = 0.0
    for i, seed in enumerate([11, 12, 13, 14]):
        for name, tensor in plain_fit(seed, points[i], values[i], config).items():
            assert (fitted.params[name][i] - tensor).abs().max() < 1e-4, (seed, name)
            moved = max(moved, float((state.params[name][i] - tensor).abs().max()))
    assert moved > 1e-2  # else the comparison would say nothing


def test_a_fit_goes_on_where_it_stopped_bit_for_bit():
    points, values = pools(2, 512)
    config = FitConfig(hidden=(16, 16), steps=30, batch=128)
    seen: list[int] = []
    whole = fit(start([1, 2], config.hidden), points, values, config, progress=lambda step, loss: seen.append(step))
    half = fit(start([1, 2], config.hidden), points, values, config, until=13)
    resumed = fit(half, points, values, config)
    assert (half.step, resumed.step, seen) == (13, 30, [30])
    assert all(torch.equal(whole.params[name], resumed.params[name]) for name in whole.params)
    assert not torch.equal(half.params["layers.0.weight"], resumed.params["layers.0.weight"])
    with pytest.raises(InvalidValue, match="smaller than a batch"):
        fit(half, points, values, FitConfig(hidden=(16, 16), batch=4096))
