"""Presets: one file per experiment, functions that return a config. Importing this needs no torch."""

from __future__ import annotations

from functools import cache

from ..core.errors import UnknownId, closest


@cache
def presets() -> dict:
    """name -> function that returns the config, collected from the files of this folder."""
    from . import chairs, cifar10, digits, multi, nern, signals, tinyimagenet

    return {name: make for file in (digits, cifar10, chairs, signals, multi, tinyimagenet, nern) for name, make in file.PRESETS.items()}


@cache
def open_presets() -> dict:
    """The same of those whose config leaves something to be chosen when it is trained: they name no experiment of their own."""
    from ..kinds.netspace.auto import PRESET, AutoSpaceConfig

    return {PRESET: AutoSpaceConfig}


def config(name: str):
    """The config of a preset. Raises UnknownId."""
    known = presets() | open_presets()
    if name not in known:
        raise UnknownId(f"There is no preset {str(name)[:100]!r}.{closest(str(name), known)}")
    return known[name]()


def of_kind(kind: str) -> dict:
    """name -> config of the presets that make artifacts of a kind."""
    configs = {name: make() for name, make in presets().items()}
    return {name: each for name, each in configs.items() if each.KIND == kind}


def name_of_zoo(space_preset: str) -> str:
    """Preset of a space's zoo."""
    return config(space_preset).zoo
