"""Datasets: one file each, with a `load(device)` that returns an `Images`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from ..errors import UnknownId, closest

NAMES = ("digits",)
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Images:
    """A dataset in memory: per split, images float [B, C, H, W] as the networks want them and labels int64 [B]."""

    name: str
    title: str
    classes: tuple[str, ...]
    images: dict
    labels: dict
    low: float = 0.0  # what is drawn black
    high: float = 1.0  # what is drawn white


def load(name: str, device: str = "cpu") -> Images:
    """The dataset of that name. Raises UnknownId, DataMissing."""
    if name not in NAMES:
        raise UnknownId(f"There is no dataset {str(name)[:100]!r}.{closest(str(name), NAMES)}")
    return import_module(f"{__name__}.{name}").load(device)
