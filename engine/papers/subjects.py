"""What an experiment is about: its architectures and its data. Figures of two experiments have a difference only where both are the same."""

from __future__ import annotations

from functools import cache

from .. import presets
from ..nern.config import NernConfig
from .counted import IMPORTED, arch_of, configured
from .entries import Source

Subject = tuple[frozenset[str], str]  # ids of architectures, name of the data set


def subject(source: Source) -> Subject:
    """Of a source: what its preset, with the fields that it changes, is trained on; for an architecture alone no data."""
    return (frozenset({source.arch}), "") if source.arch else of_config(configured(source))


def of_config(config) -> Subject:
    """Of a config: a space is about its zoo's networks, a NeRN about its original."""
    if isinstance(config, NernConfig):
        name = config.original if config.original in presets.presets() else config.original.split("-smooth")[0]
        data = IMPORTED[name].rpartition("-")[2] if name in IMPORTED else presets.config(name).dataset
        return frozenset({arch_of(config)}), data
    if hasattr(config, "zoo"):
        return of_preset(config.zoo)
    return frozenset(getattr(config, "architectures", None) or (config.architecture,)), config.dataset


@cache
def of_preset(name: str) -> Subject:
    return of_config(presets.config(name))
