"""Data sets that need no files: a file each, named as the data set, with its TITLE, SOURCE, PREPROCESSING and `load(device)`. The folder
collects them; their names need no torch."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def names() -> tuple[str, ...]:
    """The names of the data sets of this folder."""
    return tuple(module.name for module in pkgutil.iter_modules(__path__))


def module(name: str) -> ModuleType:
    """The file of one of them."""
    return import_module(f"{__name__}.{name}")
