"""A space of any zoo of classifiers, planned from what the zoo is: see engine.kinds.netspace.auto. Pure; needs no torch.

Chosen on zoo-digits, zoo-digits-resnet8 and zoo-digits-multi; tested on others (docs/concepts.md).
"""

from __future__ import annotations

from typing import Any

from ..sizing import ZooFacts, fitting, length_of, sizes_of, variant_of
from .config import MultiSpaceConfig, NetSpaceConfig

MEASURED = 2000  # images that choose, where there are more
IMAGES = 64  # of a step
COMMON: dict[str, Any] = {"start": "zoo", "cosine": True, "clip": 1.0}
ONE: dict[str, dict] = {"noise 0.2": {"noise": 0.2}, "noise 0.4": {"noise": 0.4}}  # with 0.05 a long training knows its zoo too well
SEVERAL: dict[str, dict] = {"plain": {}, "shifted images": {"shift": 1}}


def variants(facts: ZooFacts) -> dict[str, dict]:
    """Name -> fields of each variant that validation instances choose among."""
    return SEVERAL if facts.several else ONE


def space_of(facts: ZooFacts, variant: str, steps: int, seed: int) -> NetSpaceConfig | MultiSpaceConfig:
    """The config of a space of such a zoo. Raises InvalidValue where no memory holds it."""
    fields: dict[str, Any] = {**COMMON, **sizes_of(facts), **length_of(steps), **variant_of(variants(facts), variant)}
    fields |= {"images": min(IMAGES, facts.inputs or IMAGES), "measured": MEASURED if facts.looked_at > MEASURED else 0, "seed": seed}
    if facts.several:
        config = MultiSpaceConfig(
            facts.id, **fields, normalise="zoo", scale=0.3, networks=2, stratified=True, train=facts.train, lr=1.5e-3
        )
    else:
        config = NetSpaceConfig(
            facts.id, **fields, normalise="layer", balance=True, performance=3.0, networks=min(8, *facts.train), lr=2e-3
        )
    return fitting(config, facts)
