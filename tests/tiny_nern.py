"""An original that knows its digits a little, and a NeRN of it of a few steps, written as real artifacts in seconds."""

from __future__ import annotations

import torch

from engine.core.artifacts import Store
from engine.kinds.nern.config import NernConfig, NetworkConfig
from engine.make import train

ORIGINAL, NERN = "network-tiny", "nern-tiny"
NETWORK = NetworkConfig("resnet8-digits", "digits", steps=60, batch=64)
CONFIG = NernConfig(
    ORIGINAL, hidden=16, levels=8, distillation=0.05, features=0.01, images=16, sampling="all", steps=60, lr=1e-2, validate_every=10
)


def quiet(title: str, total: int):
    return lambda step, metrics: None


def write_tiny_nern(store: Store) -> None:
    """Both artifacts, in the store's workspace."""
    threads = torch.get_num_threads()
    try:
        train(store, "network-digits", NETWORK, "cpu", quiet, ORIGINAL)
        train(store, "nern-digits", CONFIG, "cpu", quiet, NERN)
    finally:
        torch.set_num_threads(threads)
