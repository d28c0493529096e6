"""Presets: one file per experiment, functions that return a config. Importing this needs no torch."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from ..core.errors import UnknownId, closest

FIRST = ("digits", "cifar10", "chairs", "signals", "multi", "tinyimagenet", "nern")  # as they are offered; others follow by name


@cache
def presets() -> dict:
    """name -> function that returns the config, collected from the `PRESETS` of this folder's files."""
    files = [file.name for file in pkgutil.iter_modules(__path__) if not file.ispkg]
    files.sort(key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return {name: make for file in files for name, make in getattr(import_module(f"{__name__}.{file}"), "PRESETS", {}).items()}


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
