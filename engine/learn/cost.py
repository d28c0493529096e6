"""What a training takes on this machine, told before it starts: a few of its steps are taken, timed and taken back."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

import torch

from .trainee import Trainee

SECONDS = 1.5  # of measuring, at most about; two steps at least
SHORT = 3.0  # seconds: of a run that its first step promises to be shorter than this no more is measured


@dataclass(frozen=True)
class Cost:
    """Steps, seconds in all, most memory of this process so far in bytes (of the GPU where it trains on one)."""

    steps: int
    seconds: float
    memory: int


def cost(trainee: Trainee, limit: float = SECONDS) -> Cost:
    """The cost of a whole run. The trainee is afterwards as it was, bit for bit (its `state()`)."""
    before = {name: tensor.clone() for name, tensor in trainee.state().items()}
    try:
        seconds = sum(of_run(part, limit / len(trainee.parts)) for part in trainee.parts)
    finally:
        trainee.restore(before)
    return Cost(trainee.total, seconds, memory())


def of_run(trainee: Trainee, limit: float) -> float:
    """Seconds of a run: a step's median times the steps (`effort` of them where they are not alike), and what the first took longer,
    which is warming up and fetching data, as often as that comes again (`restarts`)."""
    took: list[float] = []
    for index in range(min(50, trainee.total)):
        then = time.perf_counter()
        trainee.step(index)
        took.append(time.perf_counter() - then)
        if sum(took[1:]) > limit or took[0] * trainee.total < SHORT:
            break
    first, *others = took
    each = sorted(others or took)[len(others) // 2]
    return each * trainee.effort + (first - each) * trainee.restarts


def memory() -> int:
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def in_words(found: Cost, first: float = 0.0) -> str:
    """'4,000 steps of 63 ms: about 4 minutes and 0.9 GB of memory, measured now on this machine'."""
    each = found.seconds / found.steps
    step = f"{1000 * each:.0f} ms" if each < 10 else duration(each)
    before = f", and {duration(first)} for what must be made first" if first else ""
    return (
        f"{found.steps:,} steps of {step}: about {duration(found.seconds)} and {found.memory / 1e9:.1f} GB of memory, measured now on "
        f"this machine{before}"
    )


def duration(seconds: float) -> str:
    """'40 seconds', '12 minutes', '3.5 hours', '2.1 days'."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {name}" if size > 60 else f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} second" + ("" if round(seconds) == 1 else "s")
