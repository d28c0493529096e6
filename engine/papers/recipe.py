"""How to train a NeRN of any available original: the commands, from the preset that is nearest to it."""

from __future__ import annotations

from collections.abc import Container

from .. import presets
from ..core.artifacts import Manifest
from ..core.slugs import unused
from .counted import arch_of

ROOM = 85  # characters of an original's name in that of its NeRN


def nearest(original: Manifest) -> str:
    """The NeRN preset for networks of the same architecture and data, else the same data, else digits; one that is a first stage of
    another is none."""
    known = presets.of_kind("nern")
    first_stages = {config.start for config in known.values()}
    arch, dataset = original.config.get("architecture"), original.config.get("dataset")

    def alike(name: str) -> tuple[bool, bool]:
        theirs = presets.config(known[name].original).dataset if known[name].original in presets.presets() else None
        return arch_of(known[name]) == arch, dataset is not None and theirs == dataset

    finals = [name for name in known if name not in first_stages]
    best = max(finals, key=alike)  # the first of the best
    return best if any(alike(best)) else "nern-digits"


def recipe(original: Manifest, taken: Container[str] = ()) -> list[list[str]]:
    """Arguments of `python -m engine`, a list for each command, in order: a first stage where the preset has one, then the NeRN.
    Where the original's data is unknown, they distil on noise."""
    preset = nearest(original)
    id_ = unused(f"nern-{original.id.removeprefix('network-')}"[:ROOM], taken)
    of = ["--original", original.id, *([] if original.config.get("dataset") else ["--inputs", "noise"])]
    start = presets.config(preset).start
    if not start:
        return [["train", preset, *of, "--id", id_]]
    coarse = unused(f"{id_}-coarse", taken)
    return [["train", start, *of, "--id", coarse], ["train", preset, *of, "--start", coarse, "--id", id_]]
