"""Alignment: two networks that differ by the order of their hidden units are the same network. Which channels of an architecture are
tied is worked out from its graph (ties.py, rules.py, axes.py); which of B's channel is which of A's, by matching weights or
activations (matching.py); what the units of a mixture answer is put right by repair.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture
from ..ways import ASKED, WAYS, Way
from .matching import Matching, applied, drawn, identity, match_activations, match_weights
from .repair import mixture, statistics
from .ties import Ties, ties, ties_of

__all__ = [
    "ASKED", "WAYS", "Matching", "Ties", "Way", "aligned", "aligned_all", "applied", "drawn", "identity", "match_activations",
    "match_weights", "mixture", "mixtures", "ties", "ties_of",
]  # fmt: skip


def aligned(arch: Architecture, a_P: Tensor, b_P: Tensor, inputs: Tensor | None = None, seed: int = 0) -> Tensor:
    """B's parameters [P] in the order of channels in which they are most like A's [P]: by their weights, or with `inputs` by what the
    channels answer to these. B answers as before (up to rounding)."""
    known = ties(arch) if inputs is None else ties(arch, len(inputs))  # whose graph answers all inputs at once
    a, b = (named(arch, each) for each in (a_P, b_P))
    matching = match_weights(known, a, b, seed) if inputs is None else match_activations(known, a, b, inputs)
    return flat(arch, applied(known, matching, b)).to(b_P)


def aligned_all(arch: Architecture, starts_NP: Tensor, ends_NP: Tensor) -> Tensor:
    """Each end [N, P] aligned by its weights to the start of its pair."""
    return torch.stack([aligned(arch, a_P, b_P) for a_P, b_P in zip(starts_NP, ends_NP)])


@torch.no_grad()
def mixtures(arch: Architecture, a_P: Tensor, b_P: Tensor, gammas: Sequence[float], asked_BCHW: Tensor) -> dict[str, Tensor]:
    """The networks [G, P] at gammas between A's and B's weights in each of WAYS; `asked` are training images."""
    found: dict[str, Tensor] = {}
    for activations in {way.activations for way in WAYS.values()}:
        aligned_P = aligned(arch, a_P, b_P, asked_BCHW.cpu() if activations else None)
        both = statistics(arch, a_P, asked_BCHW), statistics(arch, aligned_P, asked_BCHW)
        for name, way in WAYS.items():
            if way.activations == activations:
                spreads = both if way.repaired else None
                found[name] = torch.stack([mixture(arch, a_P, aligned_P, gamma, spreads, asked_BCHW) for gamma in gammas])
    return {name: found[name] for name in WAYS}


def named(arch: Architecture, parameters_P: Tensor) -> dict[str, np.ndarray]:
    """Flat parameters as {name: array}."""
    array = parameters_P.detach().float().cpu().numpy()
    return {entry.name: array[entry.start : entry.stop].reshape(entry.shape) for entry in arch.layout}


def flat(arch: Architecture, parameters: dict[str, np.ndarray]) -> Tensor:
    """The way back [P]."""
    return torch.cat([torch.from_numpy(np.ascontiguousarray(parameters[entry.name])).flatten() for entry in arch.layout])
