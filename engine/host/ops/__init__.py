"""What can be asked on the live socket: a file an op, named as the op, with its `answer(host, question) -> (header, arrays)`.

The folder is the list of ops: a new one is a new file. A file is imported by the first question of its op, for some imports are slow.
Errors are the errors of `engine.core.errors`; arrays are uint8, uint32 or float32 (see `engine.core.frames`).
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def names() -> tuple[str, ...]:
    """The ops of this folder."""
    return tuple(found.name for found in pkgutil.iter_modules(__path__))


def module(op: str) -> ModuleType:
    """The file that answers an op."""
    return import_module(f"{__name__}.{op}")
