"""What an experiment is about: its architectures and its data. Figures of two experiments have a difference only where both are the
same."""

from __future__ import annotations

from functools import cache

from .. import presets
from ..core.config import changed
from .entries import Source

IMPORTED = {
    "network-imagenet-resnet18": "resnet18-imagenet",
    "network-imagenet-squeezenet": "squeezenet1_1-imagenet",
}  # originals that come from a file: id -> architecture, which ends with the name of the data
Subject = tuple[frozenset[str], str]  # ids of architectures, name of the data set


def subject(source: Source) -> Subject:
    """Of a source: what its preset, with the fields that it changes, is trained on; for an architecture alone no data."""
    return (frozenset({source.arch}), "") if source.arch else of_config(configured(source))


def of_config(config) -> Subject:
    """Of a config: a space is about its zoo's networks, a NeRN about its original."""
    return of_preset(config.networks_of) if config.networks_of else (frozenset(config.arch_ids), config.dataset)


@cache
def of_preset(name: str) -> Subject:
    """Of a preset, or of an original that comes from a file. Raises UnknownId."""
    if name in IMPORTED:
        return frozenset({IMPORTED[name]}), IMPORTED[name].rpartition("-")[2]
    return of_config(presets.config(name))


def configured(source: Source):
    """The config of a preset with the source's changes."""
    return changed(presets.config(source.preset), source.set)
