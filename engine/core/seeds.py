"""Randomness that is a function of numbers: what is drawn in a step depends on (seed, step) alone, so that a run can be resumed."""

from __future__ import annotations

import torch


def generator(*seeds: int) -> torch.Generator:
    """A random generator that is a function of the given numbers alone."""
    mixed = 0
    for seed in seeds:
        mixed = (mixed * 6364136223846793005 + seed * 2862933555777941757 + 3037000493) % (1 << 63)
    mixed ^= mixed >> 29
    return torch.Generator().manual_seed(mixed)
