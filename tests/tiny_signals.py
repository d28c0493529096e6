"""Fifteen images of digits as SIRENs and a space of them, in a few seconds (the map of sixteen would have UMAP compile)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from engine import make, presets
from engine.core.artifacts import Store
from engine.tasks.signals.config import SignalZooConfig

ZOO = SignalZooConfig(train=9, val=3, test=3, steps=150, between=16, stack=8)
SMALL = {"zoo": "zoo", "steps": 150, "networks": 8, "points": 16, "probe_width": 64, "half": False}


def quiet(title: str, total: int):
    return lambda step, metrics: None


def written(folder: Path) -> Store:
    """A store of "zoo" and "space", and of nothing else."""
    threads, store = torch.get_num_threads(), Store(folder / "workspace", folder / "gallery")
    torch.set_num_threads(1)
    try:
        make.train(store, "zoo-digits-inr", ZOO, "cpu", quiet, "zoo")
        make.train(store, "netspace-digits-inr", replace(presets.config("netspace-digits-inr"), **SMALL), "cpu", quiet, "space")
    finally:
        torch.set_num_threads(threads)
    return store
