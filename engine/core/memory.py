"""The machine's memory, and work that must fit it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .errors import InvalidValue

SHARE = 0.9  # of the machine's memory that one job may take
CGROUP = Path("/sys/fs/cgroup/memory.max")  # a container's limit
WORDS = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "Unable to allocate")


def machine_memory() -> int:
    """Bytes of memory that this machine, or the container it runs in, has."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(CGROUP.read_text()))
    return total


def check_memory(needed: int) -> None:
    """Raises InvalidValue where so many bytes are more than one job may take."""
    if needed > (limit := int(SHARE * machine_memory())):
        raise InvalidValue(too_much(limit))


def too_much(limit: int) -> str:
    return (
        f"This needs more than the {limit / 1e9:.0f} GB of memory that it may take on this machine. "
        "Choose fewer instances, smaller batches or a smaller network."
    )


@contextlib.contextmanager
def within_memory(limit: int | None = None) -> Iterator[None]:
    """Inside, this process may take `limit` bytes (SHARE of the machine's by default): what needs more ends in a sentence before the
    machine swaps or the system kills. Raises InvalidValue."""
    limit = limit or int(SHARE * machine_memory())
    with _limit(limit):
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or any(word in str(error) for word in WORDS):
                raise InvalidValue(too_much(limit)) from error
            raise


@contextlib.contextmanager
def _limit(limit: int) -> Iterator[None]:
    """The process's own limit on memory of its own, where the system has one; as before afterwards."""
    try:
        import resource
    except ImportError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    lowest = min(each for each in (limit, soft, hard) if each != resource.RLIM_INFINITY)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (lowest, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
