"""Clocks for tests, of one module alone: a server's thread in the same process goes on by the real one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


class Clocks:
    """The module `time` with some clocks replaced."""

    def __init__(self, replaced: dict[str, Callable[[], float]]):
        self.__dict__ |= replaced

    def __getattr__(self, name: str):
        return getattr(time, name)


def set_clock(monkeypatch: pytest.MonkeyPatch, *modules: object, **replaced: Callable[[], float]) -> None:
    """What these modules call `time` has other clocks from now on: set_clock(monkeypatch, loop, monotonic=...)."""
    for module in modules:
        monkeypatch.setattr(module, "time", Clocks(replaced))
