"""Modules that are imported once something of them is asked for: the first page is served before torch is loaded.

    if TYPE_CHECKING:
        import torch
    else:
        torch = lazily("torch")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Lazily:
    """Stands for the module of that name."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


def lazily(name: str) -> Any:
    return Lazily(name)
