"""Readers that misbehave, for the process with limits (engine/core/limits.py)."""

from __future__ import annotations

import os
import time

import numpy as np

from engine.core.errors import CorruptArtifact, InvalidValue
from engine.core.limits import tell


class OwnError(InvalidValue):
    """An error of a reader's own, which the parent does not know."""

    def __init__(self, name: str, problem: str):
        super().__init__(f"{name} {problem}.")


def double(number: int) -> tuple[dict, dict]:
    tell("half-way")
    return {"number": 2 * number}, {"x": np.full((2, 3), number, np.float32)}


def turned() -> tuple[dict, dict]:
    """Arrays that do not lie row by row."""
    rows = np.arange(24, dtype=np.float32).reshape(4, 6)
    return {}, {"transposed": rows.T, "part": rows[:, ::2]}


def damaged() -> tuple:
    raise CorruptArtifact("It is damaged. Make it again.")


def own() -> tuple:
    raise OwnError("chair.obj", "has no legs")


def spin() -> tuple:
    while True:
        pass


def sleep() -> tuple:
    time.sleep(600)
    return None, {}


def swallow(gib: float) -> tuple:
    return None, {"x": np.ones(int(gib * 2**27), np.float64)}


def crash() -> tuple:
    os.abort()


def surprise() -> tuple:
    raise RecursionError("too deep")


def flood(path: str) -> tuple:
    with open(path, "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    return None, {}


def linger(told: str) -> tuple:
    """Writes its process id, then holds Python's lock for as long as it lives."""
    with open(told, "w") as file:
        file.write(str(os.getpid()))
    while True:
        pass


def variable(name: str) -> tuple:
    return os.environ.get(name), {}


COUNTED: list[int] = []


def count() -> tuple:
    COUNTED.append(1)
    return len(COUNTED), {}
