"""How long things took: on the clock, and of processor time, which nothing else that the machine does makes longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Took:
    """Seconds of the clock, and of processor time (of all cores together)."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Took) -> Took:
        return Took(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)


def stopwatch(before: Took = Took()) -> Callable[[], Took]:
    """A watch of this process that runs from now on: what it says when called, `before` included."""
    clock, cpu = time.monotonic(), time.process_time()
    return lambda: before + Took(time.monotonic() - clock, time.process_time() - cpu)


def times(took: Took, what: str, before: dict) -> dict:
    """Metrics `seconds` and `cpu_seconds` of `what`: `took` and those of `before`, by their names (what it was made from);
    without one that `before` does not know, being older than the measure."""
    return {
        name: {"value": round(each + before[name], 1), "split": what, "n": 1}
        for name, each in asdict(took).items()
        if before.get(name) is not None
    }
