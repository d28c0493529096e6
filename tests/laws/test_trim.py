"""Trimming: what is held out stays to the bit, what is left is a whole artifact, and nothing is trained on it by mistake."""

from __future__ import annotations

import numpy as np
import pytest

from engine.artifacts import Store
from engine.errors import InvalidValue
from engine.make import is_whole
from engine.config import ZOO_CONFIGS
from engine.netspace.space import load_space, load_zoo, read_config
from engine.trim import trim
from tests.tiny import SPACE, ZOO, write_tiny


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """A gallery with a tiny space, and a workspace over it. (That metrics are measured again is make.reevaluate's affair.)"""
    monkeypatch.setattr("engine.make.reevaluate", lambda store, artifact, device: {"measured": {"value": len(artifact.table("instances.parquet")), "split": "all", "n": 1}})
    whole = Store(tmp_path / "gallery", tmp_path / "nothing")
    write_tiny(whole)
    return whole, Store(tmp_path / "workspace", tmp_path / "gallery")


def test_what_is_held_out_stays(stores):
    whole, store = stores
    before = load_space(whole, SPACE)
    assert [each.id for each in trim(store, ZOO, 2)] == [ZOO, SPACE]
    after = load_space(store, SPACE)
    assert (before.table["split"] == "train").sum() == 3 and (after.table["split"] == "train").sum() == 2
    for row, id_ in enumerate(after.table["id"]):
        assert np.array_equal(after.parameters_NP[row], before.parameters_NP[before.row(id_)])  # they were in half precision already
    assert set(before.table["id"][before.table["split"] != "train"]) <= set(after.table["id"])
    trained = before.table[before.table["split"] == "train"]
    assert trained["id"][trained["val_accuracy"].idxmax()] in set(after.table["id"])
    assert not store.verify(SPACE) and not store.verify(ZOO)
    assert store.open(ZOO).manifest.metrics["measured"]["value"] == 4
    assert "2 of 3" in store.open(SPACE).manifest.provenance["trimmed"]


def test_a_trimmed_zoo_is_not_trained_on(stores):
    whole, store = stores
    config = read_config(whole.open(ZOO), ZOO_CONFIGS)
    assert is_whole(whole, ZOO, config)
    trim(store, ZOO, 2)
    assert not is_whole(store, ZOO, config)


def test_a_space_keeps_the_zoo_it_was_made_from(stores):
    """Where the workspace holds another version of a zoo, the gallery's space still finds its own."""
    _, store = stores
    trim(store, ZOO, 2)
    (store.workspace / SPACE / "manifest.json").unlink()
    assert len(load_zoo(store, ZOO).table) == 4  # the workspace's, by name
    assert len(load_space(store, SPACE).table) == 5  # the gallery's


@pytest.mark.parametrize("train", (0, 4))
def test_too_few_or_too_many_are_refused(stores, train):
    with pytest.raises(InvalidValue, match="Keep 1 to 3"):
        trim(stores[1], ZOO, train)
