"""Artifacts: what is written is what is read, whole or not at all; any damage is told. (tests/faults asks the rest.)"""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from engine.core import artifacts
from engine.core.artifacts import FORMAT, Manifest, Store, manifest_hash, read_manifest, safe_name, write_atomic
from engine.core.errors import CorruptArtifact, InvalidValue, NewerFormat, StorageError, UnknownId
from engine.core.remeasured import remeasured

per_example = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
floats = st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=5), elements=st.floats(-1000, 1000, width=16))
)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "workspace", tmp_path / "gallery")


def manifest(id_: str = "zoo-a", **more) -> Manifest:
    return Manifest(id_, "zoo", "A zoo", "", "zoo-digits", {"seed": 0}, **more)


def write(store: Store, id_: str = "zoo-a", value: float = 1.0, **options):
    return store.write(manifest(id_), {"w.safetensors": {"w": np.full(64, value, "float32")}}, **options)


@per_example
@given(tensors=st.dictionaries(st.text("abcXYZ._0", min_size=1, max_size=8), floats, min_size=1, max_size=4))
def test_arrays_come_back_bit_for_bit(store, tensors):
    found = store.write(manifest(), {"w.safetensors": tensors}).arrays("w.safetensors")
    assert found.keys() == tensors.keys()
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape, found[name].tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_arrays_in_any_memory_order_come_back(store):
    array = np.arange(24, dtype="float32").reshape(4, 6)
    for odd in (array.T, array[:, ::2], np.asfortranarray(array), array[::-1]):
        assert np.array_equal(store.write(manifest(), {"w.safetensors": {"w": odd}}).arrays("w.safetensors")["w"], odd)


def test_tables_come_back(store):
    frame = pd.DataFrame({"id": ["a", "b"], "steps": [1, 2], "accuracy": [0.5, 1.0]})
    pd.testing.assert_frame_equal(store.write(manifest(), {}, {"t.parquet": frame}).table("t.parquet"), frame)


def test_the_manifest_lists_every_file(store):
    made = write(store)
    assert made.manifest.format == FORMAT and made.manifest.created
    files = {path.name for path in made.folder.iterdir()} - {"manifest.json"}
    assert made.manifest.files.keys() == files == {"w.safetensors"}
    assert made.manifest.files["w.safetensors"]["bytes"] == (made.folder / "w.safetensors").stat().st_size


@per_example
@given(data=st.data())
def test_any_flipped_bit_or_truncation_is_told(store, data):
    made = write(store)
    path = made.folder / "w.safetensors"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    bit, cut = data.draw(st.integers(0, 7)), data.draw(st.booleans())
    path.write_bytes(whole[:at] if cut else whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    with pytest.raises(CorruptArtifact, match="w.safetensors is damaged"):
        store.open("zoo-a").arrays("w.safetensors")
    assert store.verify("zoo-a")


def test_a_whole_file_is_hashed_once_and_a_new_version_again(store, monkeypatch):
    made = write(store)
    hashed = []
    real = artifacts.sha256
    monkeypatch.setattr(artifacts, "sha256", lambda path: hashed.append(path) or real(path))
    for _ in range(3):
        made.arrays("w.safetensors")
    assert len(hashed) == 1
    path = made.folder / "w.safetensors"
    os.utime(path, ns=(1, 1))
    made.arrays("w.safetensors")
    assert len(hashed) == 2
    assert store.verify("zoo-a") == [] and len(hashed) == 3  # verifying never trusts what was hashed before


def test_a_second_version_replaces_the_first(store):
    write(store, value=1.0)
    write(store, value=2.0)
    assert store.open("zoo-a").arrays("w.safetensors")["w"][0] == 2.0
    assert [path.name for path in store.workspace.iterdir()] == ["zoo-a"]  # no temp folder stays


def test_a_crash_while_writing_leaves_the_old_one_whole(store, monkeypatch):
    write(store, value=1.0)

    def out_of_power(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(artifacts, "replace_folder", out_of_power)
    with pytest.raises(KeyboardInterrupt):
        write(store, value=2.0)
    assert store.verify("zoo-a") == [] and store.open("zoo-a").arrays("w.safetensors")["w"][0] == 1.0


def test_update_metrics_changes_nothing_else(store):
    made = write(store)
    metrics = {"gap_mean": {"value": 0.04, "split": "test", "n": 32}}
    again = store.update_metrics(made, metrics)
    assert again.manifest == replace(made.manifest, metrics=metrics) == store.open("zoo-a").manifest
    assert manifest_hash(again) == manifest_hash(made)


def test_what_is_measured_again_is_noted_and_changes_nothing_else(store):
    made = write(store)
    new = {"value": 0.5, "split": "test", "n": 2}
    for name in ("floor", "middle"):
        again = remeasured(store.open("zoo-a"), {name: new}, "a new figure", "2026-01-02", "abc")
    assert again.manifest.metrics == {**made.manifest.metrics, "floor": new, "middle": new}
    notes = again.manifest.provenance["remeasured"]
    assert [(note["metrics"], note["why"]) for note in notes] == [(["floor"], "a new figure"), (["middle"], "a new figure")]
    assert again.manifest == replace(made.manifest, metrics=again.manifest.metrics, provenance=again.manifest.provenance)
    with pytest.raises(ValueError):
        remeasured(again, {"floor": {"value": float("nan")}}, "broken", "2026-01-02", "abc")
    assert store.open("zoo-a").manifest == again.manifest and store.verify("zoo-a") == []


def test_a_metric_that_is_no_number_is_not_written(store):
    made = write(store)
    with pytest.raises(ValueError):
        store.update_metrics(made, {"gap_mean": {"value": float("nan")}})
    assert store.open("zoo-a").manifest == made.manifest


def test_the_workspace_hides_the_gallery(store):
    write(store, value=1.0, root=store.gallery)
    write(store, "zoo-b", value=3.0, root=store.gallery)
    write(store, value=2.0)
    assert [m.id for m in store.manifests()] == ["zoo-a", "zoo-b"]
    assert store.open("zoo-a").arrays("w.safetensors")["w"][0] == 2.0
    assert store.open("zoo-b").folder.parent == store.gallery
    assert store.manifests("netspace") == []


def test_a_list_follows_what_changes_on_disk(made_up_store):
    folder, others = made_up_store.workspace / "space-made-up", [each.id for each in made_up_store.manifests("zoo")]
    assert made_up_store.manifests("netspace")[0] is made_up_store.manifests("netspace")[0], "it is read once"
    path = folder / "manifest.json"
    write_atomic(path, path.read_bytes().replace(b"A <made-up> space", b"B <made-up> space"))
    assert [each.title for each in made_up_store.manifests("netspace")] == ["B <made-up> space"]
    path.write_text("{}")
    assert made_up_store.manifests("netspace") == [] and set(made_up_store.broken()) == {"space-made-up"}
    path.unlink()
    assert made_up_store.broken() == {} and [each.id for each in made_up_store.manifests()] == others


def test_inputs_are_checked_by_content(store):
    zoo = write(store)
    store.write(Manifest("space", "netspace", "", "", "", {}, {"zoo-a": {"sha256": manifest_hash(zoo)}}), {})
    assert store.verify("space") == []
    write(store, value=5.0)
    assert "another version of zoo-a" in store.verify("space")[0]


def test_unknown_and_wrong_kind(store):
    write(store)
    with pytest.raises(UnknownId, match="zoo-a"):
        store.open("zoo-aa")
    with pytest.raises(InvalidValue, match="netspace"):
        store.open("zoo-a", "netspace")
    with pytest.raises(CorruptArtifact, match="missing"):
        store.open("zoo-a").path("other.safetensors")


@pytest.mark.parametrize(
    "fields, error",
    [
        ({"format": FORMAT + 1}, NewerFormat),
        ({"format": "1"}, CorruptArtifact),
        ({"kind": "cat"}, CorruptArtifact),
        ({"id": "zoo-b"}, CorruptArtifact),
        ({"files": []}, CorruptArtifact),
        ({"surprise": 1}, CorruptArtifact),
    ],
    ids=str,
)
def test_manifests_that_cannot_be_used(store, fields, error):
    folder = write(store).folder
    raw = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**raw, **fields}))
    with pytest.raises(error):
        read_manifest(folder)
    assert "zoo-a" in store.broken() and store.manifests() == []


@given(st.text(max_size=12))
def test_safe_names_stay_in_their_folder(name):
    try:
        assert safe_name(name) == name
    except InvalidValue:
        return
    assert os.path.normpath(os.path.join("root", name)) == os.path.join("root", name) and "/" not in name and name not in (".", "..")


@pytest.mark.parametrize("name", ("", ".", "..", "../a", "a/b", "a\\b", "/a", "A", "a b", "a\n", "a..b", ".a", "é", "a" * 101, None, 3))
def test_unsafe_names_are_refused(name):
    with pytest.raises(InvalidValue):
        safe_name(name)


def test_write_atomic_keeps_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "f"
    write_atomic(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts.os, "replace", full)
    with pytest.raises(StorageError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["f"]
