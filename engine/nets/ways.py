"""The ways in which weights are mixed after alignment, by the name of their path."""

from __future__ import annotations

from dataclasses import dataclass

ASKED = 512  # training images whose answers activations are matched by and REPAIR takes its statistics from


@dataclass(frozen=True)
class Way:
    """How B is aligned to A: by its weights, or by what its units answer to training images (`activations`); and whether the mixed
    network's units are then given the ends' statistics (`repaired`: REPAIR)."""

    words: str
    activations: bool = False
    repaired: bool = False


WAYS = {
    "aligned": Way("by weights"),
    "aligned-activations": Way("by activations", activations=True),
    "aligned-repaired": Way("by weights, then REPAIR", repaired=True),
    "aligned-activations-repaired": Way("by activations, then REPAIR", activations=True, repaired=True),
}
