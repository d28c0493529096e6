"""Presets: one file per experiment, functions that return a config. Importing this needs no torch."""

from __future__ import annotations

from functools import cache

from ..errors import UnknownId, closest


@cache
def presets() -> dict:
    """name -> function that returns the config, collected from the files of this folder."""
    from . import chairs, cifar10, digits, multi, nern, tinyimagenet

    return {name: make for file in (digits, cifar10, chairs, multi, tinyimagenet, nern) for name, make in file.PRESETS.items()}


def config(name: str):
    """The config of a preset. Raises UnknownId."""
    known = presets()
    if name not in known:
        raise UnknownId(f"There is no preset {str(name)[:100]!r}.{closest(str(name), known)}")
    return known[name]()


def name_of_zoo(space_preset: str) -> str:
    """Preset of a space's zoo."""
    return config(space_preset).zoo
