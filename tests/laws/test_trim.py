"""Trimming: what is held out stays to the bit, what is left is a whole artifact, and nothing is trained on it by mistake."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from engine import kinds
from engine.core.artifacts import GALLERY, Store
from engine.core.errors import InvalidValue
from engine.kinds.configs import read_config
from engine.kinds.nern.loading import ORDERS
from engine.kinds.netspace.space import load_space
from engine.kinds.trim import trim
from engine.kinds.zoo.loading import load_zoo
from engine.plan import is_whole
from tests.tiny import SPACE, ZOO, tamper, write_tiny
from tests.tiny_nern import NERN, ORIGINAL, write_tiny_nern


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """A gallery with a tiny space, and a workspace over it. (How metrics are measured again is a kind's affair.)"""
    for kind in ("zoo", "netspace"):
        monkeypatch.setattr(
            kinds.kind_of(kind),
            "measure",
            lambda store, artifact, device: {"measured": {"value": len(artifact.table("instances.parquet")), "split": "all", "n": 1}},
        )
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
    config = read_config(whole.open(ZOO))
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


@pytest.mark.parametrize("train, val, said", ((0, 1, "Keep 1 to 3"), (4, 1, "Keep 1 to 3"), (1, 2, "Keep 0 to 1")))
def test_too_few_or_too_many_are_refused(stores, train, val, said):
    with pytest.raises(InvalidValue, match=said):
        trim(stores[1], ZOO, train, val)


def test_several_architectures_keep_as_many_of_each(monkeypatch, tmp_path):
    """Of the shipped zoo; its two spaces, of which one never saw two of the architectures, still answer as they did."""
    for kind in ("zoo", "netspace"):
        monkeypatch.setattr(kinds.kind_of(kind), "measure", lambda store, artifact, device: {})
    gallery, store = Store(GALLERY, tmp_path / "nothing"), Store(tmp_path / "workspace", GALLERY)
    made = trim(store, "zoo-digits-multi", 5, 2)
    assert [each.id for each in made] == ["zoo-digits-multi", "netspace-digits-multi", "netspace-digits-unseen"]
    for id_ in ("netspace-digits-multi", "netspace-digits-unseen"):
        before, after = load_space(gallery, id_), load_space(store, id_)
        kept = after.table.groupby(["class_id", "split"]).size().unstack()
        assert (kept["train"] == 5).all() and (kept["val"] == 2).all() and (kept["test"] == 16).all()
        rows = [before.row(name) for name in after.table["id"]]
        assert torch.equal(after.zoo.parameters_NP, before.zoo.parameters_NP[rows]) and torch.equal(
            after.embeddings_NE, before.embeddings_NE[rows]
        )
        assert torch.equal(after.zoo.teacher_P, before.zoo.teacher_P)
        assert "20 of 135 training and 8 of 64 validation" in store.open(id_).manifest.provenance["trimmed"]


def test_an_original_and_its_nerns_in_half_precision_answer_almost_alike(tmp_path):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")
    write_tiny_nern(store)
    before = {id_: store.open(id_) for id_ in (ORIGINAL, NERN)}
    wide = {name: order.astype(np.int32) for name, order in before[NERN].arrays(ORDERS).items()}  # as NeRNs were kept once
    tamper(before[NERN].folder, ORDERS, lambda old: save(wide), honest=True)
    before[NERN] = store.open(NERN)
    sizes = {id_: sum(entry["bytes"] for entry in old.manifest.files.values()) for id_, old in before.items()}
    made = {each.id: each for each in trim(store, ORIGINAL)}
    assert tuple(made) == (ORIGINAL, NERN)
    for id_, new in made.items():
        assert sum(entry["bytes"] for entry in new.manifest.files.values()) < 0.8 * sizes[id_]
        assert not store.verify(id_) and not store.outdated(id_)
        for name, entry in new.manifest.metrics.items():
            assert entry["value"] == pytest.approx(before[id_].manifest.metrics[name]["value"], abs=0.02), name
    orders = made[NERN].arrays(ORDERS)
    assert orders.keys() == wide.keys()
    for name, order in orders.items():
        assert np.array_equal(order, wide[name]) and order.dtype == (np.uint8 if len(order) <= 256 else np.uint16)
