"""Formats that a network is exported in: a file a format, named as the format, with its `SUFFIX` ("" where it is a folder) and its
`files(net: Outgoing) -> {name: bytes}`. The folder is the list of formats: a new one is a new file. It is imported when it is used."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from ....core.errors import InvalidValue

DEFAULT = "safetensors"


def names() -> tuple[str, ...]:
    """The formats, the usual one first. Imports none of them."""
    return tuple(sorted((found.name for found in pkgutil.iter_modules(__path__)), key=lambda name: (name != DEFAULT, name)))


def of(name: str) -> ModuleType:
    """The file of a format. Raises InvalidValue."""
    if name not in names():
        raise InvalidValue(f"There is no format {name[:40]!r} to export to. Choose one of {', '.join(names())}.")
    return import_module(f"{__name__}.{name}")
