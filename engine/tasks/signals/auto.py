"""A space of any zoo of signals, planned from what the zoo is (see engine.kinds.netspace.auto), and what it is compared with."""

from __future__ import annotations

from typing import Any

from ..sizing import ZooFacts, fitting, length_of, sizes_of, variant_of
from ..task import Yardstick
from .config import SignalSpaceConfig

SMALL = 1000  # parameters up to which the embedding of those that ship is enough
SIZES: dict[str, Any] = {"embedding": 64, "encoder_width": 16, "decoder_channels": (16, 64, 16)}
COMMON: dict[str, Any] = {"start": "zoo", "scale": 0.3, "cosine": True, "clip": 1.0, "weight_decay": 0.01, "lr": 2e-3}
VARIANTS: dict[str, dict] = {"probe encoder": {"encoder": "probe"}, "PRep encoder": {"encoder": "prep", "normalise": "layer"}}


def space_of(facts: ZooFacts, variant: str, steps: int, seed: int) -> SignalSpaceConfig:
    """The config of a space of such a zoo; pure. Raises InvalidValue where no memory holds it."""
    fields: dict[str, Any] = {**COMMON, **sizes_of(facts), **length_of(steps), **variant_of(VARIANTS, variant)}
    if facts.parameters <= SMALL:
        fields |= SIZES
    return fitting(SignalSpaceConfig(facts.id, **fields, networks=min(32, *facts.train), seed=seed), facts)


def yardsticks(space: Any) -> list[Yardstick]:
    """PSNR (dB) of held-out networks with what the space makes of them, as the manifest has it, beside the nearest training instance's: a
    space that does not reach that one has learnt nothing."""
    metrics = space.manifest.metrics

    def value(name: str) -> float | None:
        return metrics.get(name, {}).get("value")

    nearest, seen = value("nearest_psnr_mean"), value("predicted_psnr_mean")
    beside: dict[str, Any] = {"nearest": nearest, "goal": nearest, "seen": seen}
    names = (("encoded_psnr", "PSNR by the encoder", "heldout_encoded_psnr_mean"), ("psnr", "PSNR, placed", "heldout_psnr_mean"))
    return [Yardstick(name, words, value(key), metrics.get(key, {}).get("n") or 0, **beside) for name, words, key in names]
