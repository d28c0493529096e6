"""Zoos of networks that are pictures come in, of any width and frequency: they answer as they did, and a space of them is told in what
they are themselves.

Legend: N instances, P parameters, B points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import make, presets
from engine.archs import architecture
from engine.core.artifacts import Store
from engine.core.errors import InvalidValue, UnknownId
from engine.jobs.checks import check_lso
from engine.kinds.netspace.space import load_space
from engine.kinds.zoo.loading import load_zoo
from engine.learn.config import LsoConfig
from engine.tasks.signals.images import name_of
from engine.tasks.signals.networks import pictures, values
from engine.zoos.config import ImportConfig
from engine.zoos.importing import import_zoo
from tests.tiny_signals import SMALL
from tests.tiny_zoos import reading_here, rows_of, write_json

ARCH, COUNTS = "siren-image-12x5", {"train": 6, "val": 2, "test": 2}


@pytest.fixture(autouse=True)
def read_here(one_thread):
    with reading_here():
        yield


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "workspace", tmp_path / "gallery")


@pytest.fixture
def folder(tmp_path):
    """Networks as others leave them: layers by other names, a JSON with splits and labels."""
    rows_NP, arch, lists = rows_of(sum(COUNTS.values()), ARCH), architecture(ARCH), {}
    at = iter(range(len(rows_NP)))
    for split, count in COUNTS.items():
        lists[split] = []
        for _ in range(count):
            number = next(at)
            tensors = {e.name.replace("layers", "seq"): torch.tensor(rows_NP[number, e.start : e.stop]).view(e.shape) for e in arch.layout}
            (tmp_path / "zoo").mkdir(exist_ok=True)
            torch.save(tensors, tmp_path / "zoo" / f"{number}.pth")
            lists[split].append({"path": f"{number}.pth", "label": number % 3})
    write_json(tmp_path / "zoo" / "splits.json", lists)
    return tmp_path / "zoo" / "splits.json", rows_NP


def taken(store, path, **asked):
    wanted = ImportConfig(str(path), asked.pop("architecture", ARCH), **asked)
    artifact, report = import_zoo(store, wanted, "zoo", "cpu", lambda title, total: lambda step, metrics: None, True)
    return load_zoo(store, artifact.id), report


def answered(rows_NP: np.ndarray, points_B2: torch.Tensor, first: float, others: float) -> torch.Tensor:
    """[N, B] of networks of sines of these frequencies, layer by layer in float64: the slow reference."""
    found = []
    for row_P in torch.from_numpy(rows_NP).double():
        tensors = [row_P[e.start : e.stop].view(e.shape) for e in architecture(ARCH).layout]
        signal = points_B2.double()
        for depth, (weight, bias) in enumerate(zip(tensors[::2], tensors[1::2])):
            signal = signal @ weight.T + bias
            if depth < len(tensors) // 2 - 1:
                signal = (signal * (first if depth == 0 else others)).sin()
        found.append(signal[:, 0])
    return torch.stack(found)


@pytest.mark.parametrize(
    "omega, first, others, levels",
    [((), 30, 30, ()), ((12.0,), 12, 12, ()), ((45.0, 20.0), 45, 20, (-1.0, 1.0)), ((), 30, 30, (3.0, 2.0))],
)
def test_networks_of_any_frequency_and_levels_answer_as_they_did(store, folder, omega, first, others, levels):
    path, rows_NP = folder
    zoo, report = taken(store, path, omega=omega, pixels=16, levels=levels)
    low, high = levels or (0, 1)
    points_B2 = torch.rand(50, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    wanted_NB = (answered(rows_NP, points_B2, first, others) - low) / (high - low)
    apart = (values(zoo.parameters_NP, points_B2, zoo.arch) - wanted_NB).abs().max()
    assert apart < 1e-4 and report.kept == len(rows_NP) and zoo.pixels == 16
    other_NB = (answered(rows_NP, points_B2, first + 3, others) - low) / (high - low)
    assert (values(zoo.parameters_NP, points_B2, zoo.arch) - other_NB).abs().max() > 0.01
    assert any("Their brightness is mostly" in note for note in report.notes)  # nobody trained them
    assert list(zoo.table["split"]) == [split for split, count in COUNTS.items() for _ in range(count)]
    assert list(zoo.table["label"]) == [number % 3 for number in range(len(rows_NP))]


def test_a_space_of_them_is_measured_against_the_networks_themselves(store, folder):
    path, _ = folder
    taken(store, path, pixels=9)
    config = replace(presets.config("netspace-digits-inr"), **SMALL, seed=0)
    config = replace(config, zoo="zoo", steps=4, prep_height=4, prep_width=32)
    artifact = make.train(store, "netspace-digits-inr", config, "cpu", lambda title, total: lambda step, metrics: None, "space")
    names = set(artifact.manifest.metrics)
    assert {"predicted_psnr_mean", "heldout_psnr_mean", "path_floor_psnr_mean", "aligned_path_floor_psnr_mean"} <= names
    assert not [name for name in names if "fit_psnr" in name or name.startswith("heldout") and "image" in name]
    space = load_space(store, "space")
    assert space.parameters_NP.shape[0] == 10 and space.table["predicted_psnr"].notna().all()
    picture_HW = pictures(space.parameters_NP[:1], space.arch, 9, 9)[0]
    check_lso(store, LsoConfig("space", "1", objective="image", target=name_of(picture_HW)))
    for wrong in ("test/0", name_of(picture_HW)[:-2]):  # no image of a data set, and one pixel short
        with pytest.raises((InvalidValue, UnknownId), match="81 pixels"):
            check_lso(store, LsoConfig("space", "1", objective="image", target=wrong))


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"dataset": "digits"}, "leave --dataset out"),
        ({"omega": (1.0, 2.0, 3.0)}, "one frequency of sines"),
        ({"levels": (1.0, 1.0)}, "two different numbers"),
        ({"architecture": "lenetlike-small-digits", "omega": (30.0,)}, "--omega is not for classifiers"),
        ({"architecture": "siren-small", "pixels": 9}, "--pixels is not for shapes"),
        ({"architecture": "siren-image-0x5"}, "There is no architecture"),
        ({"architecture": "siren-image-9"}, "fit"),
    ],
)
def test_what_does_not_go_together_is_refused(store, folder, asked, words):
    with pytest.raises((InvalidValue, UnknownId), match=words):
        taken(store, folder[0], **asked)
    assert not store.has("zoo")
