"""Shapes that a person has placed: kept whole, told apart by their space, the oldest dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.artifacts import Store
from engine.core.errors import CorruptArtifact, InvalidValue, UnknownId
from engine.kinds.netspace import placed_shapes
from engine.kinds.netspace.space import load_space
from engine.tasks.distances.meshing import Mesh
from tests.tiny import edit_manifest, tamper
from tests.tiny_shapes import SPACE, write_tiny_shapes


@pytest.fixture
def store(tmp_path_factory, made) -> Store:
    """A workspace of its own over a gallery that all of these tests share."""
    return Store(tmp_path_factory.mktemp("placed"), made.workspace)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("shapes")
    store = Store(root / "workspace", root / "gallery")
    write_tiny_shapes(store, 20)
    return store


def keep(store: Store, content: bytes = b"mesh", name: str = "a<b>.obj") -> placed_shapes.PlacedShape:
    space = load_space(store, SPACE)
    random = np.random.default_rng(0)
    arrays = [
        random.normal(size=size).astype("float32") for size in (space.arch.parameters, space.config.embedding, space.config.embedding)
    ]
    corner = Mesh(np.eye(3, dtype="float32"), np.array([[0, 1, 2]], "int32"))
    metrics = {"placed_iou": {"value": 0.5, "split": "x", "n": 1}}
    shape = placed_shapes.PlacedShape(placed_shapes.id_of(space, content), name, *arrays, corner, metrics)
    placed_shapes.save(store, space, shape, {"webp": np.zeros(3, "uint8")}, {})
    return shape


def test_what_was_kept_comes_back(store):
    kept = keep(store)
    found = placed_shapes.load(store, load_space(store, SPACE), kept.id)
    assert (found.id, found.name, found.metrics) == (kept.id, kept.name, kept.metrics) and placed_shapes.is_id(kept.id)
    for name in ("parameters_P", "encoded_E", "inverted_E"):
        assert np.array_equal(getattr(found, name), getattr(kept, name))
    assert np.array_equal(found.original.faces_F3, kept.original.faces_F3)
    assert [each.id for each in placed_shapes.listed(store, SPACE)] == [kept.id] and store.verify(kept.id) == []
    assert keep(store).id == kept.id and keep(store, b"other").id != kept.id


def test_only_the_last_ones_stay_and_one_can_be_forgotten(store, monkeypatch):
    monkeypatch.setattr(placed_shapes, "LIMIT", 3)
    ids = [keep(store, bytes([i])).id for i in range(5)]
    assert len(placed_shapes.listed(store, SPACE)) == 3 and ids[-1] in store.folders()
    placed_shapes.forget(store, ids[-1])
    assert ids[-1] not in store.folders()
    for wrong in (ids[-1], SPACE, "../zoo", "placed-xyz"):
        with pytest.raises(UnknownId):
            placed_shapes.forget(store, wrong)
    assert store.has(SPACE)


def test_another_version_of_the_space_does_not_take_it(store):
    kept, space = keep(store), load_space(store, SPACE)
    folder = store.workspace / kept.id
    edit_manifest(folder, inputs={SPACE: {"sha256": "0" * 64}})
    with pytest.raises(InvalidValue, match="another"):
        placed_shapes.load(store, space, kept.id)
    assert placed_shapes.listed(store, SPACE) == []


def test_a_damaged_one_is_named(store):
    kept, space = keep(store), load_space(store, SPACE)
    tamper(store.workspace / kept.id, "network.safetensors", lambda data: data[:-4] + b"\0\0\0\1")
    with pytest.raises(CorruptArtifact):
        placed_shapes.load(store, space, kept.id)


def test_triangles_without_corners_are_refused(store):
    space = load_space(store, SPACE)
    kept = keep(store)
    placed_shapes.save(
        store,
        space,
        replace(kept, original=Mesh(np.eye(3, dtype="float32"), np.array([[0, 1, 7]], "int32"))),
        {"webp": np.zeros(3, "uint8")},
        {},
    )
    with pytest.raises(CorruptArtifact):
        placed_shapes.load(store, space, kept.id)
