"""The plane through three networks: its sides are the lines between them, its corners the networks themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.core.errors import InvalidValue
from engine.host.ops import plane as op
from engine.kinds.netspace.plane import plane
from engine.tasks.distances import live as shapes
from engine.tasks.distances.networks import GRID, grid, sample

SPACE, SEVERAL = "netspace-digits", "netspace-digits-multi"
SHAPES, SIGNALS = "netspace-chairs", "netspace-digits-inr"
PATHS = ("embedding", "weights", "aligned")


@pytest.fixture(scope="module")
def rows(host) -> tuple[int, int, int]:
    table = host.space(SPACE).table
    best = table[table["split"] == "test"].sort_values("val_accuracy", kind="stable").index[-3:]
    return tuple(int(row) for row in best)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("first", "last", "place"), [(0, 1, lambda t: (t, 0.0)), (0, 2, lambda t: (0.0, t))])
def test_its_sides_from_a_are_the_lines(host, rows, path, first, last, place):
    space = host.space(SPACE)
    gammas = (0.0, 0.3, 1.0)
    found = plane(space, rows, path).networks(torch.tensor([place(gamma) for gamma in gammas]))
    for gamma, network in zip(gammas, found):
        line = space.network(rows[first], rows[last], gamma, path).parameters_P
        torch.testing.assert_close(network.parameters_P, line, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", PATHS)
def test_off_its_sides_it_is_the_mixture_of_all_three(host, rows, path):
    through = plane(host.space(SPACE), rows, path)
    (u, v), (a_D, b_D, c_D) = (0.2, 0.5), through.corners_3D
    mixed_D = a_D + u * (b_D - a_D) + v * (c_D - a_D)
    (network,) = through.networks(torch.tensor([[u, v]]))
    expected_P = host.space(SPACE).at(mixed_D).parameters_P if path == "embedding" else mixed_D
    torch.testing.assert_close(network.parameters_P, expected_P, rtol=1e-4, atol=1e-5)
    (on_the_side,) = through.networks(torch.tensor([[u, 0.0]]))
    assert not torch.allclose(network.parameters_P, on_the_side.parameters_P, atol=1e-3)


@pytest.mark.parametrize("path", PATHS)
def test_the_live_answer_is_that_of_the_line(host, rows, path):
    ids = host.space(SPACE).table["id"].iloc[list(rows)].tolist()
    header, _ = op.answer(host, {"space": SPACE, "corners": ids, "path": path, "places": [[0.5, 0], [0, 0]], "images": 128})
    values = [host.step(SPACE, ids[0], ids[1], gamma, path, 128).accuracy for gamma in (0.5, 0.0)]
    assert [point["value"] for point in header["points"]] == pytest.approx(values, abs=0.01) and header["n"] == 128


def test_several_architectures_have_a_plane_of_embeddings_and_it_says_which_lives_where(host):
    space = host.space(SEVERAL)
    ids = space.table.groupby("class_id", sort=True)["id"].first().tolist()[:3]
    question = {"space": SEVERAL, "corners": ids, "places": [[0, 0], [1, 0], [0, 1]], "images": "none"}
    header, _ = op.answer(host, question)
    assert [point["architecture"] for point in header["points"]] == [space.arch_of(space.row(each)).id for each in ids]
    with pytest.raises(InvalidValue, match="cannot be mixed"):
        op.answer(host, {**question, "path": "aligned"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"corners": [0, 0, 1]}, "three different networks"),
        ({"corners": [0, 1]}, "A, B and C"),
        ({"corners": "abc"}, "A, B and C"),
        ({"path": "encoded"}, "no plane of"),
        ({"places": []}, "1 to 64 pairs"),
        ({"places": [[0, 0]] * 65}, "1 to 64 pairs"),
        ({"places": [[0, float("nan")]]}, "1 to 64 pairs"),
        ({"places": [[0, 5]]}, "1 to 64 pairs"),
        ({"places": [[True, 0]]}, "1 to 64 pairs"),
        ({"places": [[0, 0], [1, 0]], "look": True}, "Only one network"),
    ],
)
def test_what_is_no_plane_is_refused_in_a_sentence(host, rows, change, words):
    ids = host.space(SPACE).table["id"].tolist()
    corners = change.get("corners", list(rows))
    named = [ids[row] for row in corners] if isinstance(corners, list) else corners
    with pytest.raises(InvalidValue, match=words):
        op.answer(host, {"space": SPACE, "places": [[0, 0]], **change, "corners": named})


def three_of(host, space_id: str) -> list[str]:
    table = host.space(space_id).table
    return table["id"].iloc[[0, 40, 80]].tolist()


@pytest.mark.parametrize("space_id", (SHAPES, SIGNALS))
def test_shapes_and_signals_are_compared_with_the_nearest_corner(host, space_id):
    """At a corner the mixed weights are that corner's own network; elsewhere the value is the highest of the likenesses with the three,
    each as the task compares two networks."""
    ids, places = three_of(host, space_id), [[0, 0], [1, 0], [0, 1], [0.3, 0.5]]
    question = {"space": space_id, "corners": ids, "places": places, "cells": "all"}
    space, points = host.space(space_id), op.answer(host, {**question, "path": "weights"})[0]["points"]
    best = {SHAPES: 1.0, SIGNALS: 100.0}[space_id]
    assert [point["to"][at] for at, point in enumerate(points[:3])] == pytest.approx([best] * 3)
    assert all(point["value"] == max(point["to"]) for point in points) and points[3]["value"] < 0.9 * best
    header, _ = op.answer(host, question)
    networks = plane(space, tuple(space.row(each) for each in ids)).networks(torch.tensor(places))
    for at, name in enumerate(ids):
        expected = space.task.compare(space, networks, space.task.unseen(space, space.arch, space.target(space.row(name)).parameters_P))
        assert [point["to"][at] for point in header["points"]] == pytest.approx(expected, abs=1e-3)
    assert header["points"][3]["value"] > points[3]["value"], "the space makes something like them, mixed weights do not"


def test_a_sample_of_the_cells_is_a_cell_of_each_block_and_gives_nearly_the_same(host):
    cells_3 = ((grid()[sample()] + 1) * GRID / 2).floor().long() // 2
    assert len({tuple(each) for each in cells_3.tolist()}) == len(sample()) == (GRID // 2) ** 3
    question = {"space": SHAPES, "corners": three_of(host, SHAPES), "places": [[0.2, 0.2], [0.6, 0.1], [0.1, 0.7]]}
    few, all_ = (op.answer(host, {**question, **more})[0] for more in ({}, {"cells": "all"}))
    assert (few["n"], all_["n"]) == (GRID**3 // 8, GRID**3)
    assert [each["value"] for each in few["points"]] == pytest.approx([each["value"] for each in all_["points"]], abs=0.04)
    assert all(few["low"] < all_["value"] < few["high"] for few, all_ in zip(few["points"], all_["points"]))
    with pytest.raises(InvalidValue, match='"all" or left out'):
        op.answer(host, {**question, "cells": 100})


def test_a_place_shows_how_its_network_looks(host):
    asked = {"places": [[0.2, 0.3]], "look": True}
    header, arrays = op.answer(host, {"space": SHAPES, "corners": three_of(host, SHAPES), "resolution": 32, **asked})
    assert header["surface"] == "mesh" and arrays["faces"].max() < len(arrays["vertices"])
    own, _ = op.answer(host, {"space": SHAPES, "corners": three_of(host, SHAPES), "resolution": 32, **asked, "path": "aligned"})
    assert own["surface"] in ("mesh", "inside", "outside")
    header, arrays = op.answer(host, {"space": SIGNALS, "corners": three_of(host, SIGNALS), "pixels": 16, **asked})
    assert header["pixels"] == 16 and arrays["picture"].shape == (16, 16) and arrays["picture"].std() > 20
    for space_id, wrong in ((SHAPES, {"resolution": 9999}), (SIGNALS, {"pixels": 7})):
        with pytest.raises(InvalidValue, match="whole number"):
            op.answer(host, {"space": space_id, "corners": three_of(host, space_id), **asked, **wrong})


def test_a_shape_that_is_empty_is_like_none_and_two_empty_ones_have_no_likeness():
    assert shapes.figure([0, 0], [10, 20]) | {"low": 0, "high": 0} == {"value": 0, "low": 0, "high": 0, "to": [0, 0]}
    assert shapes.figure([0, 0], [0, 5])["to"] == [None, 0] and shapes.figure([0], [0]) == {"value": None, "to": [None]}
    assert shapes.figure([2, 9], [10, 10])["value"] == 0.9


@pytest.mark.parametrize("space_id", (SHAPES, SIGNALS))
def test_the_library_draws_them_all(space_id, host):
    import engine

    ids = three_of(host, space_id)
    heat = engine.open(space_id).plane(*ids, size=3).data[0]
    question = {"space": space_id, "corners": ids, "places": [[1 / 3, 1 / 3]]}
    assert heat.zmax == host.space(space_id).task.quality_range[1] and "nearest of A, B, C" in heat.colorbar.title.text
    x, y = heat.x[1], heat.y[1]  # the middle cell
    (point,) = op.answer(host, {**question, "places": [[x - y / 3**0.5, 2 * y / 3**0.5]]})[0]["points"]
    assert heat.z[1][1] == pytest.approx(point["value"], abs=1e-3)


def test_a_line_has_no_width(host, rows):
    space, (a, b, c) = host.space(SPACE), rows
    embeddings_NE = space.embeddings_NE.clone()
    embeddings_NE[c] = torch.lerp(embeddings_NE[a], embeddings_NE[b], 0.4)
    with pytest.raises(InvalidValue, match="on one line"):
        plane(replace(space, embeddings_NE=embeddings_NE), rows)
    plane(space, rows)
