"""An LSO says how far outside of the zoo it ended: in its points, its result, the kept network, and what the API says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.api.spaces import outside_columns
from engine.cli.jobs import in_words
from engine.core.artifacts import Store
from engine.host.host import Host
from engine.jobs import work
from engine.jobs.folder import Folder
from engine.tasks.distances.task import Distances
from tests.tiny_jobs import lso_spec
from tests.tiny_shapes import SPACE as SHAPES
from tests.tiny_shapes import write_tiny_shapes

pytestmark = pytest.mark.usefixtures("one_thread")
DIGITS = "netspace-digits"


@pytest.fixture
def over_gallery(tmp_path, gallery_store) -> Store:
    """A workspace of its own over the gallery that ships."""
    return Store(tmp_path / "workspace", gallery_store.gallery)


@pytest.mark.parametrize(("lr", "far"), [(3.0, True), (1e-5, False)])
def test_one_that_ran_far_off_is_told_wherever_it_appears(over_gallery, tmp_path, lr, far):
    host = Host(over_gallery, "cpu")
    try:
        table = host.space(DIGITS).table
        poor = str(table[table["split"] == "train"].sort_values("val_accuracy")["id"].iloc[0])
        spec = lso_spec(DIGITS, poor, steps=8, lr=lr, validate_every=1)
        result = work.carry_out(over_gallery, spec, tmp_path / "job", lambda: False, "cpu")
        said, points = result["outside"], Folder(tmp_path / "job").metrics()
        assert points[0]["outside"] is False and points[-1]["outside"] is far
        assert said["outside"] is said["hollow"] is far and said["known"] is None and said["words"] in in_words("lso-1", result)
        assert said["words"].startswith("Outside the zoo" if far else "Inside the zoo")
        kept = work.keep(over_gallery, spec, tmp_path / "job")
        assert kept.manifest.metrics["neighbour_percentile"] == {
            "value": said["percentile"],
            "split": kept.manifest.metrics["neighbour_percentile"]["split"],
            "n": 160,
        }
        assert kept.manifest.metrics["neighbour_multiple"]["value"] == pytest.approx(said["multiple"], rel=1e-5)
        space = host.space(DIGITS)
        row = space.row(kept.id)
        columns = outside_columns(space, np.arange(len(space.table)))
        assert columns["hollow"][row] is far and columns["outside_words"][row] == said["words"]
        step = host.step(DIGITS, poor, kept.id, 1.0, images="none")
        assert step.outside == space.outside_of_rows[row] and host.step(DIGITS, poor, kept.id, 0.0, images="none").outside is None
        assert host.step(DIGITS, poor, kept.id, 0.9, "weights", images="none").outside is None
    finally:
        host.close()


@pytest.mark.parametrize(("bound", "known"), [(1.1, False), (0.0, True)])
def test_one_towards_a_networks_answers_places_it_and_says_whether_the_space_knows_it(tmp_path, monkeypatch, bound, known):
    """Shapes: the agreement is the IoU with the target, and is kept with the network."""
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_shapes(store, 30)
    monkeypatch.setattr(Distances, "known_from", bound)
    host = Host(store, "cpu")
    try:
        ids = list(host.space(SHAPES).table["id"])
        spec = lso_spec(SHAPES, ids[0], steps=4, objective="answers", target=ids[-1], validate_every=2)
        result = work.carry_out(store, spec, tmp_path / "job", lambda: False, "cpu")
        said = result["outside"]
        assert said["agreement"] == pytest.approx(result["target"]["after"], abs=1e-6) and said["known"] is known
        assert ("This space does not know such shapes" in in_words("lso-1", result)) is not known
        kept = work.keep(store, spec, tmp_path / "job")
        space = host.space(SHAPES)
        assert space.agreements == {kept.id: pytest.approx(result["target"]["after"])}
        hollow = outside_columns(space, np.arange(len(space.table)))["hollow"]
        (row,) = [row for row in range(len(hollow)) if space.table["id"].iloc[row] == kept.id]
        assert space.outside_of_rows[row].known is known
    finally:
        host.close()


def test_one_towards_a_classifiers_answers_has_its_agreement(over_gallery, tmp_path):
    host = Host(over_gallery, "cpu")
    try:
        ids = list(host.space(DIGITS).table["id"])
        spec = lso_spec(DIGITS, ids[0], steps=2, objective="answers", target=ids[-1])
        result = work.carry_out(over_gallery, spec, tmp_path / "job", lambda: False, "cpu")
        kept = work.keep(over_gallery, spec, tmp_path / "job")
        assert result["outside"]["agreement"] == pytest.approx(result["validation"]["after"], abs=1e-6)
        assert host.space(DIGITS).agreements == {kept.id: pytest.approx(result["validation"]["after"])}
    finally:
        host.close()


def test_in_a_square_of_several_architectures_each_place_says_it(host):
    space = host.space("netspace-digits-multi")
    corners = [str(space.table["id"].iloc[row]) for row in (0, 20, 40, len(space.table) - 1)]
    step = host.corner(space.id, corners, 0.5, 0.5, images="none")
    assert step.outside == space.outside(space.square([space.row(each) for each in corners], 0.5, 0.5)[None])[0]
    assert torch.isfinite(torch.tensor(step.outside.distance))
