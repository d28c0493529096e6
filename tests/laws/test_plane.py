"""The plane through three networks: its sides are the lines between them, its corners the networks themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.core.errors import InvalidValue
from engine.host.ops import plane as op
from engine.kinds.netspace.plane import plane

SPACE, SEVERAL = "netspace-digits", "netspace-digits-multi"
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
        ({"space": "netspace-chairs"}, "no accuracy"),
    ],
)
def test_what_is_no_plane_is_refused_in_a_sentence(host, rows, change, words):
    ids = host.space(SPACE).table["id"].tolist()
    corners = change.get("corners", list(rows))
    named = [ids[row] for row in corners] if isinstance(corners, list) else corners
    with pytest.raises(InvalidValue, match=words):
        op.answer(host, {"space": SPACE, "places": [[0, 0]], **change, "corners": named})


def test_a_line_has_no_width(host, rows):
    space, (a, b, c) = host.space(SPACE), rows
    embeddings_NE = space.embeddings_NE.clone()
    embeddings_NE[c] = torch.lerp(embeddings_NE[a], embeddings_NE[b], 0.4)
    with pytest.raises(InvalidValue, match="on one line"):
        plane(replace(space, embeddings_NE=embeddings_NE), rows)
    plane(space, rows)
