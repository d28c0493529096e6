"""Kinds: what is made and kept. One object a kind, collected from the files of this room: `zoo/kind.py`, `network.py`, ..."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..core.errors import InvalidValue, closest

if TYPE_CHECKING:
    from .kind import Kind


@cache
def kinds() -> dict[str, Kind]:
    """Id -> kind, of every file of this room that has a `KIND` object (a folder has it in its `kind.py`). Imports torch."""
    found = {}
    for each in pkgutil.iter_modules(__path__, f"{__name__}."):
        name = f"{each.name}.kind" if each.ispkg else each.name
        made = getattr(import_module(name), "KIND_OBJECT", None) if find_spec(name) else None
        if made is not None:
            found[made.id] = made
    return found


def kind_of(id_: str) -> Kind:
    """The kind of that id. Raises InvalidValue."""
    if id_ not in kinds():
        raise InvalidValue(f"There is no kind {id_[:60]!r} of artifact.{closest(id_, kinds())}")
    return kinds()[id_]
