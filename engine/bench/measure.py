"""How rows are timed."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGE = 1 << 30


def tune() -> None:
    """Keep large blocks in the process instead of giving each back to the system (glibc). Alone this makes plain PyTorch up
    to 1.45 times as fast on a CPU, so both sides of a row get it and no ratio rests on it."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    mallopt(M_MMAP_THRESHOLD, LARGE)
    mallopt(M_TRIM_THRESHOLD, LARGE)


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(*works: Callable[[], object], repeats: int) -> list[float]:
    """Median seconds of each, after one call unmeasured; they take turns, so that a busy moment of the machine meets all."""
    for work in works:
        work()
    turns = [[seconds(work) for work in works] for _ in range(repeats)]
    return [statistics.median(times) for times in zip(*turns)]


def processor_medians(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> list[float]:
    """Median processor seconds of each, after one call unmeasured: time that other programs take does not count. They take turns at going
    first, so that what the one leaves in the caches helps both alike."""
    works, times = (ours, theirs), ([], [])
    for work in works:
        work()
    for repeat in range(repeats):
        for at in (0, 1) if repeat % 2 else (1, 0):
            began = time.process_time()
            works[at]()
            times[at].append(time.process_time() - began)
    return [statistics.median(each) for each in times]


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
