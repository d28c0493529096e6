"""Zoos of others come in as they lie: whatever the layout, the instances are the very parameters, with their properties."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file

from engine import datasets
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import CheckpointMismatch, InvalidValue
from engine.datasets.preprocessing import Preprocessing
from engine.kinds import kind_of
from engine.kinds.zoo.loading import load_zoo
from engine.nets.answers import accuracies
from engine.nets.stacked import flatten
from engine.zoos.config import ImportConfig
from engine.zoos.importing import import_zoo
from tests.tiny_zoos import ARCH, checkpoints, reading_here, rows_of, write_json

N = 8


@pytest.fixture(autouse=True)
def read_here(one_thread):
    with reading_here():
        yield


@pytest.fixture
def take_in(tmp_path):
    """Imports what lies at a path: (zoo, report, store)."""
    store = Store(tmp_path / "workspace", tmp_path / "gallery")

    def imported(path, arch=ARCH, dataset="", table=None, split="", **more):
        wanted = ImportConfig(str(path), arch, dataset, str(table or ""), split, **more)
        artifact, report = import_zoo(store, wanted, None, "cpu", quiet, True)
        return load_zoo(store, artifact.id), report, store

    return imported


def quiet(title, total):
    return lambda step, metrics: None


@pytest.mark.parametrize("form", ["npz", "compressed", "npy", "safetensors", "tensors", "half"])
def test_a_stack_of_any_form_gives_the_rows(form, tmp_path, take_in):
    rows_NP, path = rows_of(N), tmp_path / "stack"
    tensors = {e.name: rows_NP[:, e.start : e.stop].reshape(N, *e.shape).copy() for e in architecture(ARCH).layout}
    extra = {"lr": np.linspace(0, 1, N), "optimiser": np.array(["adam", "sgd"] * (N // 2))}
    if form in ("npz", "compressed"):
        path = path.with_suffix(".npz")
        (np.savez if form == "npz" else np.savez_compressed)(path, weights=rows_NP, **extra)
    elif form == "npy":
        path = path.with_suffix(".npy")
        np.save(path, rows_NP)
    elif form == "half":
        rows_NP = rows_NP.astype(np.float16)
        save_file({"parameters": rows_NP}, path)
    else:
        save_file({"parameters": rows_NP} if form == "safetensors" else tensors, path)
    zoo, report, _ = take_in(path)
    assert np.array_equal(zoo.parameters_NP.numpy(), rows_NP.astype(np.float32))
    assert report.layout == "stacked" and report.kept == N
    if "npz" in path.suffix:
        assert np.allclose(zoo.table["lr"], extra["lr"]) and list(zoo.table["optimiser"]) == extra["optimiser"].tolist()


def test_a_folder_of_checkpoints_is_joined_with_its_table(tmp_path, take_in):
    rows_NP = rows_of(N)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"deep/{member % 2}/net{member:02d}.pt")
    order = np.random.default_rng(0).permutation(N)
    table = pd.DataFrame({"model": [f"net{member:02d}" for member in order], "lr": order / 10, "test_acc": order + 50.0, "role": "train"})
    table.loc[order == 3, "role"] = "held-out"
    table.to_csv(tmp_path / "properties.csv", index=False)
    zoo, report, _ = take_in(tmp_path / "zoo", table=tmp_path / "properties.csv", split="role")
    member_N = [int(name[-5:-3]) for name in zoo.table["file"]]
    assert np.array_equal(zoo.parameters_NP.numpy(), rows_NP[member_N])
    assert np.allclose(zoo.table["lr"], np.array(member_N) / 10)
    assert np.allclose(zoo.table["stated_test_accuracy"], (np.array(member_N) + 50) / 100)
    assert zoo.table["split"].tolist()[member_N.index(3)] == "test" and list(zoo.table["split"]).count("test") == 1
    assert "role" not in zoo.table and report.layout == "folder"


def test_json_beside_each_gives_its_properties(tmp_path, take_in):
    rows_NP = rows_of(3)
    checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    for member in range(3):
        said = {"optim": {"lr": 0.1 * member}, "losses": [1, 2], "split": ["train", "val", "test"][member]}
        write_json(tmp_path / "zoo" / f"n{member}.json", said)
    zoo, _, _ = take_in(tmp_path / "zoo")
    assert np.allclose(zoo.table["optim.lr"], [0, 0.1, 0.2]) and "losses" not in zoo.table
    assert list(zoo.table["split"]) == ["train", "val", "test"]


def test_what_cannot_be_read_is_left_out_with_its_reason(tmp_path, take_in):
    rows_NP = rows_of(N)
    rows_NP[5, 7] = np.nan
    paths = checkpoints(tmp_path / "zoo", rows_NP, lambda member: f"n{member}.pt")
    paths[1].write_bytes(b"no checkpoint")
    paths[2].write_bytes(paths[2].read_bytes()[:900])
    torch.save({"convs.0.weight": torch.zeros(4, 1, 5, 5)}, paths[3])
    paths[6].write_bytes(paths[7].read_bytes())
    zoo, report, store = take_in(tmp_path / "zoo")
    reasons = dict(report.left)
    assert sorted(reasons) == ["n1.pt", "n2.pt", "n3.pt", "n5.pt"]
    assert "text" in reasons["n1.pt"] and "cut off" in reasons["n2.pt"] and ARCH in reasons["n3.pt"] and "NaN" in reasons["n5.pt"]
    kept = [0, 4, 7, 7]
    assert np.array_equal(zoo.parameters_NP.numpy(), rows_NP[kept])
    assert report.same == (("n7", "n6"),)
    assert list(store.open(zoo.id).table("left_out.parquet")["member"]) == ["n1.pt", "n2.pt", "n3.pt", "n5.pt"]


def test_accuracies_are_measured_and_compared_with_what_is_stated(tmp_path, take_in):
    rows_NP = rows_of(N)
    np.savez(tmp_path / "stack.npz", parameters=rows_NP, test_accuracy=np.full(N, 0.9))
    zoo, _, store = take_in(tmp_path / "stack.npz", dataset="digits")
    images = datasets.load("digits")
    expected_N = accuracies(torch.from_numpy(rows_NP), images.images["test"], images.labels["test"], architecture(ARCH))
    assert np.allclose(zoo.table["test_accuracy"], expected_N)
    metrics = store.open(zoo.id).manifest.metrics
    assert metrics["stated_accuracy"]["value"] == 0.9 and metrics["stated_accuracy_gap"]["n"] == N
    assert kind_of("zoo").measure(store, store.open(zoo.id), "cpu") == metrics


def test_another_normalisation_is_told_with_the_one_that_comes_closest(tmp_path, take_in):
    arch, own = architecture(ARCH), datasets.load("digits")
    theirs = own.seen_by(Preprocessing((0.0,), (1.0,), 255.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = arch.build()
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    with torch.no_grad():  # its input is large
        next(module.parameters()).div_(100)
    for step in range(250):
        rows = torch.arange(64 * step, 64 * step + 64) % len(own.labels["train"])
        loss = torch.nn.functional.cross_entropy(module(theirs.images["train"][rows]), theirs.labels["train"][rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    rows_NP = flatten(module).detach().numpy() * (1 + 1e-3 * np.arange(4, dtype=np.float32)[:, None])
    stated_N = accuracies(torch.from_numpy(rows_NP), theirs.images["test"], theirs.labels["test"], arch).numpy()
    assert stated_N.min() > 0.8
    np.savez(tmp_path / "stack.npz", parameters=rows_NP, test_accuracy=stated_N)
    _, report, _ = take_in(tmp_path / "stack.npz", dataset="digits")
    (said,) = [note for note in report.notes if "as stated" in note]
    assert said.startswith("Measured accuracies are not those stated") and "--normalise mean=0,std=1,range=255" in said
    zoo, report, _ = take_in(tmp_path / "stack.npz", dataset="digits", normalise="mean=0,std=1,range=255")
    (said,) = [note for note in report.notes if "as stated" in note]
    assert said.startswith("Measured accuracies are those stated") and np.allclose(zoo.table["test_accuracy"], stated_N, atol=1e-3)


def test_no_run_lies_in_two_splits_and_duplicates_stay_together(tmp_path, take_in):
    rows_NP = rows_of(24)
    rows_NP[4] = rows_NP[8]  # of two runs: those are one group now
    np.savez(tmp_path / "stack.npz", parameters=rows_NP, run=np.arange(24) // 3, step=np.arange(24) % 3)
    zoo, _, _ = take_in(tmp_path / "stack.npz", seed=3)
    of_run = zoo.table.groupby("run")["split"].nunique()
    assert (of_run == 1).all() and set(zoo.table["split"]) == {"train", "val", "test"}
    assert zoo.table["split"][4] == zoo.table["split"][8] and list(zoo.table["step"][:4]) == [0, 1, 2, 0]
    again, _, _ = take_in(tmp_path / "stack.npz", seed=3)
    other, _, _ = take_in(tmp_path / "stack.npz", seed=4)
    assert list(again.table["split"]) == list(zoo.table["split"]) != list(other.table["split"])


def test_shapes_that_others_fitted_come_in_though_nobody_can_say_how_well_they_fit(tmp_path, take_in):
    rows_NP = rows_of(5, "siren-small")
    np.savez(tmp_path / "stack.npz", parameters=rows_NP)
    zoo, _, _ = take_in(tmp_path / "stack.npz", "siren-small")
    assert np.array_equal(zoo.parameters_NP.numpy(), rows_NP) and zoo.table["fit_iou"].isna().all()


def test_a_stack_of_another_architecture_is_refused(tmp_path, take_in):
    np.savez(tmp_path / "stack.npz", parameters=rows_of(3))
    with pytest.raises((CheckpointMismatch, InvalidValue), match="lenetlike-digits"):
        take_in(tmp_path / "stack.npz", "lenetlike-digits")


def test_the_artifact_is_a_zoo_like_any_other(tmp_path, take_in):
    """A space is trained of it, as of any zoo."""
    from engine import presets
    from engine.make import train

    np.savez(tmp_path / "stack.npz", parameters=rows_of(12))
    zoo, _, store = take_in(tmp_path / "stack.npz", dataset="digits")
    config = presets.config("netspace-digits")
    small = dataclasses.replace(
        config, zoo=zoo.id, steps=2, networks=2, images=8, prep_height=8, prep_width=136, embedding=64, encoder_width=8,
        decoder_channels=(16, 64, 16), measured=20,
    )  # fmt: skip
    made = train(store, "netspace-digits", small, "cpu", quiet, "space-of-it")
    assert made.manifest.inputs.keys() == {zoo.id}
