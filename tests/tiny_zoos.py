"""Zoos of a few untrained networks as others leave them on disk: one writer a layout. And their reader, in the test's own process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.archs import architecture
from engine.nets.stacked import flatten, unflatten
from engine.zoos import reading

ARCH = "lenetlike-small-digits"


def rows_of(count: int, arch_id: str = ARCH, seed: int = 0) -> np.ndarray:
    """Parameters [N, P] of networks that nobody trained."""
    arch = architecture(arch_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return np.stack([flatten(arch.build()).numpy() for _ in range(count)])


def state_of(row_P: np.ndarray, arch_id: str = ARCH) -> dict[str, torch.Tensor]:
    """A network's state dict."""
    return {name: tensor.clone() for name, tensor in unflatten(torch.from_numpy(row_P), architecture(arch_id)).items()}


def checkpoints(folder: Path, rows_NP: np.ndarray, name: Callable[[int], str]) -> list[Path]:
    """A torch file each, under the names given."""
    paths = [folder / name(member) for member in range(len(rows_NP))]
    for path, row_P in zip(paths, rows_NP):
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state_of(row_P), path)
    return paths


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


@contextmanager
def reading_here() -> Iterator[None]:
    """Zoos are read in this process, without its limits."""

    def here(call, given, what, limits, stop=lambda: False, hear=None):
        module, _, function = call.partition(":")
        reading.tell = hear or (lambda value: None)
        return getattr(import_module(module), function)(**json.loads(json.dumps(given)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "limited", here)
        patch.setattr(reading, "cores", lambda: 1)
        patch.setattr(reading, "give_time", lambda: None)
        patch.setattr(reading, "tell", reading.tell)
        yield
