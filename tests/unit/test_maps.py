"""Neighbours in the embedding and the line between anchors, on the space that ships."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UnknownId
from explorer import maps


@pytest.fixture(scope="module")
def space(host):
    return host.space("netspace-digits")


def test_neighbours_are_the_nearest_in_the_embedding_not_in_the_picture(space):
    found = maps.neighbours(space, space.table["id"][7], 10)
    embeddings = space.embeddings_NE.numpy()
    distance = np.linalg.norm(embeddings - embeddings[7], axis=1)
    order = np.argsort(distance)[1:11]
    assert found["ids"] == list(space.table["id"].iloc[order])
    assert np.allclose(found["distances"], distance[order], rtol=1e-4)
    picture = space.table[["x2", "y2"]].to_numpy()
    near_there = np.argsort(np.linalg.norm(picture - picture[7], axis=1))[1:11]
    assert found["ids"] != list(space.table["id"].iloc[near_there])


def test_an_unknown_instance_is_named(space):
    with pytest.raises(UnknownId):
        maps.neighbours(space, "nobody")


def test_the_line_says_what_the_host_measures(host, space):
    ids = space.table["id"]
    a, b = ids[3], ids[len(ids) - 3]
    line = maps.line(host, space, a, b, 5)
    assert line["gammas"] == [0, 0.25, 0.5, 0.75, 1]
    count = int(line["basis"].split()[0])  # "360 test images"
    assert line["basis"] == f"{count} test images" and line["words"].endswith(f"5 decoded networks, each on {line['basis']}.")
    measured = [host.step(space.id, a, b, gamma, images="all").accuracy for gamma in line["gammas"]]
    assert np.allclose(line["values"], measured, atol=1.5 / count)  # one image may fall the other way by rounding
    assert np.ptp(line["values"]) > 0.3
    table = space.table.set_index("id")
    assert np.allclose(
        [line["values"][0], line["values"][-1]],
        [table.loc[a, "predicted_test_accuracy"], table.loc[b, "predicted_test_accuracy"]],
        atol=1.5 / count,
    )


def test_the_line_lies_within_the_picture(host, space):
    line = maps.line(host, space, space.table["id"][3], space.table["id"][100])
    for points, names in ((line["xy"], ["x2", "y2"]), (line["xyz"], ["x3", "y3", "z3"])):
        low, high = space.table[names].min().to_numpy(), space.table[names].max().to_numpy()
        assert np.isfinite(points).all() and (points >= low - 1e-4).all() and (points <= high + 1e-4).all()
        assert len(points) == maps.POINTS


@pytest.mark.parametrize("good", ['{"lr": [0.5, null]}', '{"lr": [null, null], "a b": [-1, 2]}', "{}"])
def test_ranges_of_a_link_are_taken(good):
    assert maps.ranges(good)


@pytest.mark.parametrize("bad", ["", "[1, 2]", '{"lr": 1}', '{"lr": [1]}', '{"lr": ["1", 2]}', '{"lr": [NaN, 2]}', '{"lr": [true, 2]}'])
def test_what_is_no_range_is_refused(bad):
    assert not maps.ranges(bad)


def test_a_share_of_the_way_is_a_number_from_0_to_1():
    assert [maps.is_share(text) for text in ("0", "1.0000", "0.25", "1.1", "-1", "nan", "x")] == [True] * 3 + [False] * 4
