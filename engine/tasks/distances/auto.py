"""A space of any zoo of shapes, planned from what the zoo is: see engine.kinds.netspace.auto. Pure; needs no torch.

Chosen on zoo-chairs; tested on others (docs/concepts.md).
"""

from __future__ import annotations

from typing import Any

from ..sizing import ZooFacts, fitting, length_of, sizes_of, variant_of
from .config import ShapeSpaceConfig

COMMON: dict[str, Any] = {
    "start": "zoo", "scale": 0.3, "points": 256, "queries": 4096, "cosine": True, "clip": 1.0, "half": True
}  # fmt: skip
VARIANTS: dict[str, dict] = {
    "probe encoder": {"encoder": "probe", "decoder_channels": (32, 128, 32), "lr": 2e-3, "weight_decay": 0.01},
    "PRep encoder": {"encoder": "prep", "decoder_channels": (32, 256, 64), "lr": 3e-3, "normalise": "layer"},
}


def variants(facts: ZooFacts) -> dict[str, dict]:
    """Name -> fields of each variant that validation instances choose among."""
    return VARIANTS


def space_of(facts: ZooFacts, variant: str, steps: int, seed: int) -> ShapeSpaceConfig:
    """The config of a space of such a zoo. Raises InvalidValue where no memory holds it."""
    fields: dict[str, Any] = variant_of(VARIANTS, variant)
    if facts.parameters > 100_000:  # those of a variant are for small networks
        fields = {name: value for name, value in fields.items() if name != "decoder_channels"}
    fields = {**COMMON, **sizes_of(facts), **length_of(steps), **fields}
    return fitting(ShapeSpaceConfig(facts.id, **fields, networks=min(16, *facts.train), seed=seed), facts)
