"""Formats that a network is exported in: a file a format, named as the format, with its `SUFFIX` ("" where it is a folder), its `WORDS`
(what its download link says) and its `files(net: Outgoing) -> {name: bytes}`. The folder is the list of formats: add a file to add one."""

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


def words() -> dict[str, str]:
    """What the link to each format says, the usual format first."""
    return {name: of(name).WORDS for name in names()}
