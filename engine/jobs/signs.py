"""Signs of life: which worker is still there.

On the machine of whoever asks, the kernel knows: a process id with its birth is one process for ever, and no clock matters. Of a
worker elsewhere only its beats are seen, a number in the queue that grows; who sees it stand still for long enough, by a clock of
its own that nobody can set, calls the worker gone.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from functools import cache
from pathlib import Path

LEASE = 10.0  # seconds without a beat after which a worker of another machine counts as gone
FROZEN = 60.0  # the same for a process that is still there on this machine, but does nothing

_seen: dict[tuple, tuple[float, float]] = {}  # (who asks about what, worker) -> (its last beat, when that was first seen)
_seen_lock = threading.Lock()


@cache
def machine() -> str:
    """This machine since it was started, told from any other of the same name, and from containers that count processes anew; ""
    where the kernel does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")[:12]
        return f"{boot}.{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    except OSError:
        return ""


def identity() -> str:
    """This process, told from any other on any machine: a pid alone comes back."""
    return f"{socket.gethostname()}:{os.getpid()}:{birth(os.getpid())}@{machine()}"


def pid_of(worker: str) -> int:
    """The process id in an identity."""
    return int(worker.split(":")[1])


def birth(pid: int) -> str | None:
    """When a process of this machine was started, in the kernel's ticks; None where there is none, or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def gone(worker: str, beat: float, what: str = "") -> bool:
    """Whether a worker no longer lives; `beat` is its last one that `what` (a slot, a job) tells."""
    try:
        host, pid, rest = str(worker).split(":", 2)
        born, _, where = rest.partition("@")
        here = where == machine() if where else host == socket.gethostname()
        if here and birth(int(pid)) != born:
            return True
    except ValueError:  # no identity of this version: nobody renews it
        here = False
    return still_for((what, worker), beat) > (FROZEN if here else LEASE)


def still_for(key: tuple, beat: float) -> float:
    """Seconds for which this process has seen that very beat."""
    now = time.monotonic()
    with _seen_lock:
        known = _seen.get(key)
        if known is None or known[0] != beat:
            if len(_seen) > 1000:
                _seen.clear()
            _seen[key] = (beat, now)
            return 0.0
        return now - known[1]
