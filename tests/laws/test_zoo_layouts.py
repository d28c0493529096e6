"""Layouts of others' zoos, each written here as it lies: runs of Ray, the Small CNN Zoo, splits JSON, Hugging Face's folders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue
from engine.kinds.zoo.loading import load_zoo
from engine.nets.stacked import logits
from engine.zoos.config import ImportConfig
from engine.zoos.copying import copy_zoo
from engine.zoos.importing import import_zoo
from tests.tiny_zoos import ARCH, checkpoints, reading_here, rows_of, state_of, write_json


@pytest.fixture(autouse=True)
def read_here(one_thread):
    with reading_here():
        yield


@pytest.fixture
def take_in(tmp_path):
    store = Store(tmp_path / "workspace", tmp_path / "gallery")

    def imported(path):
        wanted = ImportConfig(str(path), ARCH)
        artifact, report = import_zoo(store, wanted, None, "cpu", lambda title, total: lambda step, metrics: None, True)
        return load_zoo(store, artifact.id), report

    return imported


def test_runs_of_ray_are_trajectories_whose_epochs_are_matched(tmp_path, take_in):
    rows_NP = rows_of(6)
    for run in range(3):
        folder = tmp_path / "zoo" / f"train_{run}"
        checkpoints(folder, rows_NP[2 * run : 2 * run + 2], lambda step: f"checkpoint_{3 * step + 1:06d}/checkpoints")
        write_json(folder / "params.json", {"optim::lr": 0.1 * run, "model::nlin": "tanh"})
        lines = [f'{{"training_iteration": {i}, "test_acc": 0.{i}, "test_loss": NaN, "pid": 7}}' for i in range(5)]
        (folder / "result.json").write_text("\n".join([*lines, '{"torn']))
    zoo, report = take_in(tmp_path / "zoo")
    assert report.layout == "ray" and np.array_equal(zoo.parameters_NP.numpy(), rows_NP)
    assert list(zoo.table["step"]) == [1, 4] * 3 and list(zoo.table["run"]) == [f"train_{run}" for run in (0, 0, 1, 1, 2, 2)]
    assert np.allclose(zoo.table["stated_test_accuracy"], [0.1, 0.4] * 3)
    assert np.allclose(zoo.table["optim::lr"], [0, 0, 0.1, 0.1, 0.2, 0.2])
    assert "pid" not in zoo.table and (zoo.table.groupby("run")["split"].nunique() == 1).all()


def theirs(images_BHWC: np.ndarray, kernels: list[np.ndarray], biases: list[np.ndarray]) -> np.ndarray:
    """Logits [B, K] as TensorFlow computes them: channels last, kernels [h, w, in, out], stride 2, a ring of zeros, flattened channels
    last, then dense layers."""
    x = images_BHWC
    for kernel, bias in list(zip(kernels, biases))[:2]:
        x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        size = (x.shape[1] - 3) // 2 + 1
        patches = np.stack([x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] for i in range(size) for j in range(size)], 1)
        x = np.maximum(np.einsum("bphwi,hwio->bpo", patches, kernel) + bias, 0).reshape(len(x), size, size, -1)
    x = x.reshape(len(x), -1)
    for number, (kernel, bias) in enumerate(list(zip(kernels, biases))[2:]):
        x = x @ kernel + bias
        x = np.maximum(x, 0) if number == 0 else x
    return x


def test_networks_of_tensorflow_answer_as_they_did(tmp_path, take_in):
    random, count = np.random.default_rng(0), 4
    shapes = [(3, 3, 1, 4), (3, 3, 4, 8), (32, 16), (16, 10)]
    sizes, places, start = [], [], 0
    for number, shape in enumerate(shapes):
        for word, each in (("bias", shape[-1:]), ("kernel", shape)):
            size = int(np.prod(each))
            places.append((f"sequential/layer_{number}/{word}:0", start, start + size, size, str(tuple(each))))
            sizes.append(each)
            start += size
    weights = random.normal(size=(count, start)).astype(np.float32) / 3
    folder = tmp_path / "zoo"
    folder.mkdir()
    np.save(folder / "weights.npy", weights)
    pd.DataFrame(places, columns=["varname", "start_idx", "end_idx", "size", "shape"]).to_csv(folder / "layout.csv", index=False)
    metrics = pd.DataFrame({"modeldir": ["a", "a", "b", "c"], "step": [0, 9, 9, 9], "test_accuracy": 0.5, "config.l2": 0.1})
    metrics.to_csv(folder / "metrics.csv.gz", index=False)
    zoo, report = take_in(folder)
    assert report.layout == "small-cnn-zoo" and list(zoo.table["run"]) == ["a", "a", "b", "c"] and list(zoo.table["step"]) == [0, 9, 9, 9]
    images = random.normal(size=(5, 8, 8, 1)).astype(np.float32)
    answers_NBK = logits(zoo.parameters_NP, torch.from_numpy(images).permute(0, 3, 1, 2), architecture(ARCH)).numpy()
    for row, answers_BK in zip(weights, answers_NBK):
        tensors = [row[first:last].reshape(shape) for (_, first, last, _, _), shape in zip(places, sizes)]
        assert np.allclose(theirs(images, tensors[1::2], tensors[::2]), answers_BK, atol=1e-4)


@pytest.mark.parametrize("form", ["records", "columns"])
def test_splits_of_a_json_stay(form, tmp_path, take_in):
    rows_NP, folder = rows_of(4), tmp_path / "zoo"
    checkpoints(folder, rows_NP, lambda member: f"nets/{member}.pth")
    splits = ["test", "train", "val", "train"]
    parts = {split: [member for member in range(4) if splits[member] == split] for split in ("train", "val", "test")}
    if form == "records":
        said = {split: [{"path": f"nets/{m}.pth", "score": m / 4} for m in members] for split, members in parts.items()}
    else:
        said = {split: {"path": [f"/other/nets/{m}.pth" for m in ms], "score": [m / 4 for m in ms]} for split, ms in parts.items()}
    write_json(folder / "splits.json", said)
    zoo, report = take_in(folder)
    order = [1, 3, 2, 0]
    assert report.layout == "splits-json" and np.array_equal(zoo.parameters_NP.numpy(), rows_NP[order])
    assert list(zoo.table["split"]) == [splits[member] for member in order]
    assert np.allclose(zoo.table["score"], np.array(order) / 4)


def test_folders_of_hugging_face_come_in(tmp_path, take_in):
    rows_NP = rows_of(3)
    for member, row_P in enumerate(rows_NP):
        folder = tmp_path / "zoo" / f"net-{member}"
        write_json(folder / "config.json", {"hidden_size": member, "architectures": ["X"]})
        save_file(state_of(row_P), folder / "model.safetensors")
    zoo, report = take_in(tmp_path / "zoo")
    assert report.layout == "hugging-face" and np.array_equal(zoo.parameters_NP.numpy(), rows_NP)
    assert list(zoo.table["hidden_size"]) == [0, 1, 2]


def test_another_explorers_zoo_is_taken_as_it_is(tmp_path, take_in):
    np.savez(tmp_path / "stack.npz", parameters=rows_of(4))
    zoo, _ = take_in(tmp_path / "stack.npz")
    other = Store(tmp_path / "other", tmp_path / "gallery")
    copied = copy_zoo(other, tmp_path / "workspace" / zoo.id, "zoo-of-theirs")
    again = load_zoo(other, copied.id)
    assert torch.equal(again.parameters_NP, zoo.parameters_NP) and again.table.equals(zoo.table)
    with pytest.raises(InvalidValue, match="taken"):
        copy_zoo(other, tmp_path / "workspace" / zoo.id, "zoo-of-theirs")
