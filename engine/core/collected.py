"""What a folder's own files give, for the places that collect them: a new file needs no line elsewhere."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any


def collected(package: str, paths: Sequence[str], name: str) -> Iterator[Any]:
    """The value of `name` in each file of a package that has it, by the files' names. `paths` is the package's __path__."""
    for found in pkgutil.iter_modules(paths):
        if not found.ispkg and hasattr(module := import_module(f"{package}.{found.name}"), name):
            yield getattr(module, name)
