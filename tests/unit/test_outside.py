"""How far outside of the zoo something lies: the measure against a plain reference, what it says, and what it calls unknown."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from engine.kinds.netspace import outside
from engine.kinds.netspace.outside import Outside, compare, members
from engine.kinds.netspace.placing import place_network
from engine.kinds.netspace.umap_map import NEIGHBOURS, project
from engine.tasks import task_of
from engine.tasks.distances.mesh_fit import fit_mesh
from engine.tasks.distances.networks import insides, ious, layers_of
from engine.tasks.distances.sampling import NoInside

pytestmark = pytest.mark.usefixtures("one_thread")


def cloud(count: int, seed: int = 0, size: int = 8) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def plainly(point_E: np.ndarray, others_TE: np.ndarray, count: int) -> float:
    """The measure as its definition says it."""
    return float(np.sort(np.linalg.norm(others_TE - point_E, axis=1))[:count].mean())


def of(embeddings_TE: torch.Tensor, embeddings_ME: torch.Tensor, agreement: float | None = None, shapes: bool = True) -> list[Outside]:
    return compare(members(embeddings_TE), embeddings_ME, [agreement] * len(embeddings_ME), task_of("distances" if shapes else "images"))


@pytest.mark.parametrize(("count", "shift"), [(200, 0.0), (16, 0.0), (9, 0.0), (200, 3000.0)])
def test_the_measure_is_the_mean_distance_to_the_nearest_among_the_zoos_own(count, shift, monkeypatch):
    """Also far from the origin, and where blocks are small."""
    known_TE, asked_ME = cloud(count) + shift, torch.cat([cloud(5, 1), 40 * cloud(2, 2)]) + shift
    near = min(15, count - 1)
    own_T = np.array([plainly(point, np.delete(known_TE.numpy(), row, 0), near) for row, point in enumerate(known_TE.numpy())])
    for block in (1 << 23, 3 * count):
        monkeypatch.setattr(outside, "BLOCK", block)
        for said, point in zip(of(known_TE, asked_ME), asked_ME.numpy(), strict=True):
            distance = plainly(point, known_TE.numpy(), near)
            assert said.distance == pytest.approx(distance, rel=2e-3) and said.neighbours == near and said.members == count
            assert said.percentile == pytest.approx(100 * (own_T < distance).mean(), abs=100 / count + 1e-9)
            assert said.multiple == pytest.approx(distance / np.median(own_T), rel=0.02)


def test_each_training_instance_is_compared_without_itself():
    known_TE = cloud(100)
    own_S = members(known_TE).own_S
    assert own_S.min() > 0.5, "a distance to itself is 0"
    assert (members(known_TE).distances(known_TE) < own_S.max()).all()


def test_many_are_represented_by_some(monkeypatch):
    known_TE, asked_ME = cloud(600), cloud(20, 1)
    whole = of(known_TE, asked_ME)
    monkeypatch.setattr(outside, "SAMPLE", 200)
    some = of(known_TE, asked_ME)
    assert len(members(known_TE).own_S) == 200
    assert [each.distance for each in some] == [each.distance for each in whole], "only what it is compared with is sampled"
    assert all(abs(a.percentile - b.percentile) < 12 for a, b in zip(some, whole))


def test_what_lies_beyond_all_of_them_is_outside_and_what_lies_among_them_is_not():
    known_TE = cloud(300)
    among, beyond = of(known_TE, cloud(20, 1)), of(known_TE, 12 * cloud(20, 1))
    assert sum(each.outside for each in among) <= 1 and all(each.outside and each.hollow and each.multiple > 3 for each in beyond)
    assert all("Outside the zoo" in each.words and f"{each.multiple:.1f} times"[:1] in each.words for each in beyond)
    assert "Inside the zoo: farther out than" in among[0].words


@pytest.mark.parametrize("count", [1, 2, 4, 5, 14, 15, 16])
def test_a_zoo_of_a_few_says_what_it_can(count):
    (said,) = of(cloud(count), 30 * cloud(1, 1))
    assert said.neighbours == max(1, min(15, count - 1)) and said.distance > 10
    if count < outside.FEWEST:
        assert said.percentile is None and not said.outside and "too few" in said.words and str(count) in said.words
    else:
        assert said.percentile == 100 and said.outside


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, 3e38])
def test_an_embedding_that_cannot_be_measured_is_outside_and_json(value):
    (said,) = of(cloud(50), torch.full((1, 8), value), 0.0)
    assert said.outside and said.hollow and "Outside the zoo" in said.words
    json.dumps(said.as_json(), allow_nan=False), json.dumps(said.metrics(), allow_nan=False)


def test_a_zoo_of_copies_has_no_usual_distance():
    (said,) = of(torch.zeros(30, 8), torch.ones(1, 8))
    assert said.multiple is None and said.outside and said.words.startswith("Outside the zoo: farther out than any")
    (same,) = of(torch.zeros(30, 8), torch.zeros(1, 8))
    assert not same.outside


@pytest.mark.parametrize("shapes", [True, False])
def test_below_the_bound_it_is_a_best_guess(shapes):
    bound = task_of("distances" if shapes else "images").known_from
    what = "such shapes" if shapes else "such networks"
    for agreement, known in ((0.0, False), (bound - 0.001, False), (bound, True), (1.0, True)):
        (said,) = of(cloud(50), cloud(1, 1), agreement, shapes)
        assert (
            said.known is known
            and said.hollow is (not known)
            and (f"This space does not know {what}: what it shows is its best guess" in said.words) is not known
        )
        assert ("IoU" if shapes else "agreement") in said.words
        reached = said.words.split("IoU " if shapes else "agreement ")[1].split()[0]
        assert known or float(reached) < bound, "it does not read as if it had reached the bound"
    (said,) = of(cloud(50), cloud(1, 1))
    assert said.known is None and "IoU" not in said.words and "guess" not in said.words


# ---- on the spaces that ship


def parts(*boxes) -> trimesh.Trimesh:
    """Boxes, each (size, middle)."""
    return trimesh.util.concatenate([trimesh.creation.box(size).apply_translation(middle) for size, middle in boxes])


def legs(x: float, z: float):
    return [((0.12, 1, 0.12), (i * x, 0, j * z)) for i in (-1, 1) for j in (-1, 1)]


WRONG = {
    "stool": lambda: parts(((0.8, 0.14, 0.8), (0, 0.5, 0)), *legs(0.3, 0.3)),
    "table": lambda: parts(((1.6, 0.12, 1.0), (0, 0.5, 0)), *legs(0.7, 0.4)),
    "torus": lambda: trimesh.creation.torus(0.7, 0.2),
    "sphere": lambda: trimesh.creation.icosphere(3, 0.6),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_space_of_chairs_does_not_know_other_things(host, name):
    space = host.space("netspace-chairs-probe")
    fitted = fit_mesh(f"{name}.ply", space.arch, trimesh.exchange.ply.export_ply(WRONG[name]()), steps=150)
    found = place_network(space, fitted.parameters_P)
    assert fitted.iou > 0.6, "the network is that of the thing"
    assert found.outside.known is False and found.outside.hollow and found.outside.agreement == found.likeness < 0.4
    assert "This space does not know such shapes" in found.outside.words and "best guess" in found.outside.words


@pytest.mark.parametrize("id_", ["netspace-chairs-probe", "netspace-chairs"])
def test_the_spaces_of_chairs_know_held_out_chairs(host, id_):
    space = host.space(id_)
    held = np.flatnonzero(space.table["split"] == "test")[::8]
    for row in held:
        found = place_network(space, space.parameters_NP[row])
        assert found.outside.known is True and not found.outside.hollow, (space.table["id"].iloc[row], found.outside)
        assert "IoU" in found.outside.words and "guess" not in found.outside.words


def test_far_and_near_are_drawn_alike_and_told_apart(host):
    """UMAP places a far point among the others: what is said tells them apart."""
    space = host.space("netspace-digits")
    near_E = space.embeddings_NE[space.outside_of_rows.index(None)]
    far_E = near_E + 100 * (near_E - space.members[-1].middle_E)
    places = space.place_on_map(torch.stack([near_E, far_E]))[0]
    picture = space.table[["x2", "y2"]].to_numpy()
    assert np.linalg.norm(picture - places[1], axis=1).min() < 0.1 * np.ptp(picture), "the control: it is drawn within the picture"
    near, far = space.outside(torch.stack([near_E, far_E]))
    assert not near.outside and far.outside and far.multiple > 20 and f"{far.multiple:,.0f} times" in far.words


def test_a_random_embedding_is_outside(host):
    for id_ in ("netspace-chairs-probe", "netspace-digits", "netspace-digits-resnet8", "netspace-digits-multi"):
        space = host.space(id_)
        embeddings_ME = space.embeddings_NE.mean() + space.embeddings_NE.std() * cloud(10, 3, space.config.embedding)
        assert all(each.outside for each in space.outside(embeddings_ME)), id_


def test_held_out_instances_of_a_space_of_one_architecture_are_inside(host):
    for id_ in ("netspace-chairs-probe", "netspace-chairs", "netspace-digits", "netspace-digits-resnet8"):
        space = host.space(id_)
        found = [each for each, split in zip(space.outside_of_rows, space.table["split"]) if split in ("val", "test")]
        assert found and not any(each.outside for each in found), id_
        assert all((each is None) == (split == "train") for each, split in zip(space.outside_of_rows, space.table["split"]))


@pytest.mark.parametrize("id_", ["netspace-digits-multi", "netspace-digits-unseen"])
def test_several_architectures_are_each_compared_with_their_own(host, id_):
    space = host.space(id_)
    shown = (space.table["split"] == "train") & space.table["seen"].astype(bool)
    rows = [np.flatnonzero((space.table["class_id"] == class_id) & shown) for class_id in sorted(set(space.table[shown]["class_id"]))]
    assert {class_id: len(found.centred_TE) for class_id, found in space.members.items()} == {
        **space.table[shown]["class_id"].value_counts().to_dict(),
        -1: int(shown.sum()),
    }
    middle_AE = [space.embeddings_NE[each].mean(0) for each in rows]
    for middle_E in middle_AE:
        (class_id,) = space.class_ids_at(middle_E[None])
        (said,) = space.outside(middle_E[None])
        assert not said.outside and said.members == len(space.members[class_id].centred_TE)
    between = torch.lerp(middle_AE[0], middle_AE[-1], 0.5)[None]
    (said,), (class_id,) = space.outside(between), space.class_ids_at(between)
    assert said.members == len(space.members.get(class_id, space.members[-1]).centred_TE)
    if id_ == "netspace-digits-unseen":
        assert class_id not in space.members and said.members == int(shown.sum()), (
            "an architecture that was never seen is compared with all"
        )


def test_a_space_with_two_training_instances_says_so(host):
    space = host.space("netspace-cifar10-resnet8-mini")
    assert all(each is None or "2 training instances are too few" in each.words and not each.hollow for each in space.outside_of_rows)


@pytest.mark.parametrize("scale", [1e3, 1e18, 1e36])
def test_weights_near_the_largest_number_are_refused_or_told(host, scale):
    space = host.space("netspace-chairs")
    huge_P = space.parameters_NP[0] * scale
    huge_P[-1] = 0.0
    if scale > 1e10:
        with pytest.raises(NoInside):
            place_network(space, huge_P, steps=2)
        return
    found = place_network(space, huge_P, steps=2)
    assert found.embedding_E.isfinite().all() and found.likeness >= found.encoded_likeness and found.outside.known is False
    json.dumps(found.outside.as_json(), allow_nan=False)


def test_a_placed_network_is_measured_where_it_was_placed(host):
    space = host.space("netspace-chairs-probe")
    found = place_network(space, space.parameters_NP[0], steps=3)
    decoded = insides(layers_of(space.decode(found.embedding_E[None]), space.arch))
    assert found.outside == replace(space.outside(found.embedding_E[None])[0], agreement=found.likeness)
    assert found.likeness == pytest.approx(float(ious(decoded, insides(layers_of(space.parameters_NP[:1], space.arch)))))


@pytest.mark.parametrize("count", (1, 2, 3, 4, NEIGHBOURS))
def test_few_embeddings_are_drawn_along_their_principal_axes(count):
    """UMAP has no neighbourhoods there. In two and three dimensions as far apart as they are, where that is possible."""
    embeddings_NE = np.random.default_rng(count).normal(size=(count, 32)).astype(np.float32)
    flat, solid = project(embeddings_NE)
    assert flat.shape == (count, 2) and solid.shape == (count, 3) and flat.dtype == solid.dtype == np.float32
    assert np.allclose(solid[:, :2], flat, atol=1e-5) and np.allclose(solid.mean(0), 0, atol=1e-5)

    def gaps(points):
        return np.linalg.norm(points[:, None] - points[None], axis=2)

    assert (gaps(flat) <= gaps(solid) + 1e-5).all() and (gaps(solid) <= gaps(embeddings_NE) + 1e-4).all()
    assert count > 4 or np.allclose(gaps(solid), gaps(embeddings_NE), atol=1e-4)
    assert np.isfinite(project(np.ones_like(embeddings_NE))[1]).all(), "all in one place"
