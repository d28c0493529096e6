"""Permutations: the greedy tours are exactly those of the definition, and what the paper says of them holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidValue
from engine.kinds.nern import tours
from engine.kinds.nern.evaluate import reordered
from engine.kinds.nern.losses import smoothness
from engine.kinds.nern.original import load_original
from engine.kinds.nern.permutations import KINDS, bits, inverse, permutation, permutations
from engine.kinds.nern.tours import tour, unit

ORIGINAL = "network-digits"


def plain_tour(vectors_MK: np.ndarray, scalar: bool = False, last: bool = False) -> np.ndarray:
    """The definition: from kernel 0 on to the nearest that is not visited, the lowest index of equals (`last`: the highest)."""
    rows = unit(vectors_MK, scalar)
    left, here, found = list(range(1, len(rows))), 0, [0]
    while left:
        near = np.zeros(len(left))
        for k in range(rows.shape[1]):  # in the order of the values: the same sums, bit for bit
            column = rows[left, k]
            near = near - (rows[here, k] - column) * (rows[here, k] - column) if scalar else near + rows[here, k] * column
        at = len(left) - 1 - int(np.argmax(near[::-1])) if last else int(np.argmax(near))
        here = left.pop(at)
        found.append(here)
    return np.array(found)


def plain_unit(vectors_MK: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors_MK.astype(np.float64), axis=1, keepdims=True)
    return vectors_MK / np.where(lengths > 0, lengths, 1)


@pytest.fixture(scope="module")
def weights(gallery_store) -> list[np.ndarray]:
    """Every layer of a trained network."""
    return [weight.numpy() for weight in load_original(gallery_store, ORIGINAL).weights]


def test_tours_of_a_trained_network_are_those_of_the_definition(weights):
    differing = 0
    for weight in weights:
        kernels_MK = weight.reshape(weight.shape[0] * weight.shape[1], -1)
        scalar = kernels_MK.shape[1] == 1
        expected = plain_tour(kernels_MK, scalar)
        assert np.array_equal(tour(kernels_MK, scalar), expected)
        differing += not np.array_equal(tour(np.roll(kernels_MK, 1, 0), scalar), expected)
    assert differing == len(weights)  # control: the comparison sees another tour
    assert any(len(weight.reshape(-1, *weight.shape[2:])) > 300 and weight[0, 0].size == tours.VALUES for weight in weights), (
        "no layer of many kernels"
    )


def test_in_filter_is_a_tour_in_each_filter_and_one_of_the_permuted_filters(weights):
    for weight in weights:
        filters, channels = weight.shape[:2]
        rows_FCK, scalar = weight.reshape(filters, channels, -1), weight[0, 0].size == 1
        inner = [plain_tour(rows_CK, scalar) for rows_CK in rows_FCK]
        outer = plain_tour(np.stack([rows_CK[order] for rows_CK, order in zip(rows_FCK, inner)]).reshape(filters, -1), scalar)
        expected = [f * channels + c for f in outer for c in inner[f]]
        order_M = permutation(weight, "in-filter")
        assert order_M.tolist() == expected
        assert all(len(set(row // channels)) == 1 for row in order_M.reshape(filters, channels))  # each kernel stays in its filter


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1 << 30),
    count=st.integers(1, 500),
    kind=st.sampled_from(["smooth", "ties", "zeros", "clusters"]),
    size=st.sampled_from([1, 9, 25]),
)
def test_ties_zeros_and_clusters_go_as_the_definition_says(seed, count, kind, size):
    random = np.random.default_rng(seed)
    rows = random.standard_normal((count, size))
    if kind == "ties":
        rows = random.integers(-1, 2, (count, size)).astype(float)
    if kind == "zeros":
        rows[random.random(count) < 0.5] = 0
    if kind == "clusters":
        rows = rows[random.integers(0, min(5, count), count)] + 1e-4 * rows
    rows = rows.astype(np.float32)
    assert np.array_equal(tour(rows, size == 1), plain_tour(rows, size == 1))


@pytest.mark.parametrize("kind", ("smooth", "ties", "opposite"))
def test_the_search_by_neighbours_is_the_one_that_looks_at_all(monkeypatch, kind):
    """Large layers, at a size that the definition can follow: blocks are skipped, neighbours run out, and kernels are all behind."""
    random = np.random.default_rng(3)
    rows = random.standard_normal((1500, 9)).astype(np.float32)
    if kind == "ties":
        rows = random.integers(-1, 2, (1500, 9)).astype(np.float32)
    if kind == "opposite":
        rows = np.concatenate([np.abs(rows[:1]), -np.abs(rows[1:])])
    expected = plain_tour(rows)
    assert np.array_equal(tour(rows), expected)
    monkeypatch.setattr(tours, "FLAT", 200)
    assert np.array_equal(tour(rows), expected)
    monkeypatch.setattr(tours, "_boxes", lambda *parts: tuple(box_KL - 9 for box_KL in (np.zeros((9, len(parts[1])), np.float32),) * 2))
    assert not np.array_equal(tour(rows), expected)  # control: with boxes that rule out too much, it is another tour


def test_of_equally_near_kernels_the_lowest_index_is_next():
    rows = np.repeat(np.eye(9, dtype=np.float32), 40, 0)[::-1].copy()
    assert np.array_equal(tour(rows), plain_tour(rows)) and not np.array_equal(tour(rows), plain_tour(rows, last=True))
    numbers = np.array([[0.0], [2.0], [-2.0], [2.0], [5.0]], np.float32)
    assert tour(numbers, scalar=True).tolist() == [0, 1, 3, 4, 2]


def test_unit_vectors_are_the_cosines(weights):
    for weight in weights:
        rows = weight.reshape(-1, weight[0, 0].size)
        if rows.shape[1] > 1:
            assert np.allclose(unit(rows, False), plain_unit(rows), atol=1e-12)
        else:
            assert np.linalg.norm(unit(rows, True)) == pytest.approx(1)


def test_a_permuted_layer_is_smoother_and_holds_the_same_kernels(weights):
    totals = {}
    for kind in KINDS:
        orders = permutations(weights, kind)
        assert all(np.array_equal(np.sort(order_M), np.arange(len(order_M))) for order_M in orders)
        totals[kind] = sum(float(smoothness(reordered(torch.from_numpy(weight), order_M))) for weight, order_M in zip(weights, orders))
    print(totals)
    assert totals["cross-filter"] < totals["none"] and totals["in-filter"] < totals["none"]


def plain_smoothness(weight: np.ndarray) -> float:
    """Eq. 6, kernel by kernel."""
    filters, channels = weight.shape[:2]
    norm = np.linalg.norm(weight)

    def distance(a, b) -> float:
        return abs((a - b).item()) / norm if a.size == 1 else 1 - float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))

    return sum(
        distance(weight[f, c], weight[f + 1, c]) + distance(weight[f, c], weight[f, c + 1])
        for f in range(filters - 1)
        for c in range(channels - 1)
    )


def test_smoothness_is_equation_6(weights):
    for weight in weights:
        if weight.size < 20_000 and min(weight.shape[:2]) > 1:
            assert float(smoothness(torch.from_numpy(weight))) == pytest.approx(plain_smoothness(weight.astype(np.float64)), rel=1e-4)
    assert float(smoothness(torch.ones(4, 4, 3, 3))) == pytest.approx(0, abs=1e-5)


@given(st.permutations(list(range(12))))
def test_the_inverse_undoes(order):
    order_M = np.array(order)
    assert np.array_equal(order_M[inverse(order_M)], np.arange(12)) and np.array_equal(inverse(inverse(order_M)), order_M)


@pytest.mark.parametrize("order", ([0, 0, 2], [0, 1, 3], [-1, 0, 1], [[0, 1]], [0.0, 1.0]), ids=str)
def test_what_is_no_permutation_is_refused(order):
    with pytest.raises(InvalidValue, match="not a permutation"):
        inverse(np.array(order))


def test_an_unknown_kind_is_refused(weights):
    with pytest.raises(InvalidValue, match="cross-filter"):
        permutation(weights[0], "sideways")


# MB of table 9 for (in-filter, cross-filter); 1 MB is 2^20 bytes
@pytest.mark.parametrize("blocks, published", ((3, (0.02, 0.04)), (9, (0.065, 0.128))), ids=("resnet20", "resnet56"))
def test_bits_are_those_of_table_9(blocks, published):
    widths = [16] * (2 * blocks + 1) + [32] * 2 * blocks + [64] * 2 * blocks
    shapes = list(zip(widths, [3, *widths[:-1]]))
    found = [bits(shapes, kind) / 8 / 2**20 for kind in ("in-filter", "cross-filter")]
    assert found == pytest.approx(published, rel=0.05) and bits(shapes, "none") == 0
