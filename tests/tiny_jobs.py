"""Jobs of a second, and a worker for them: the real command, or the same worker forked from a process that has imported torch."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.core.artifacts import Store
from engine.jobs import specs
from engine.jobs.folder import Folder
from engine.jobs.queue import Job, Queue, birth

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0  # seconds; no test is timed by it


def zoo_spec(seed: int = 0, steps: int = 300, **fields) -> dict:
    """A zoo of four instances."""
    config = {"train": 2, "val": 1, "test": 1, "steps_min": steps // 2, "steps_max": steps, "batch": 16, "stack": 2, "seed": seed, **fields}
    return specs.parse({"kind": "train", "preset": "zoo-digits", "id": f"zoo-{seed}-{steps}", "config": config})


def lso_spec(space: str, a: str, steps: int = 60, **fields) -> dict:
    return specs.parse({"kind": "lso", "config": {"space": space, "a": a, "steps": steps, "batch": 64, **fields}})


def wait_for(what: Callable[[], object], why: str = ""):
    """The first true value of `what()`."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain {why}")


def ended(queue: Queue, job: Job) -> Job:
    """The job once it is done, failed or stopped."""
    return wait_for(lambda: None if (found := queue.job(job.id)).live else found, job.id)


def status(queue: Queue, job: Job) -> dict:
    return Folder(queue.folder_of(job.id)).status()


def pid_of(queue: Queue, job: Job) -> int | None:
    """The process that works on a job now, once it has begun (what a dead one said still stands there)."""
    pid = status(queue, job).get("pid") if queue.job(job.id).state == "running" else None
    return pid if pid and birth(pid) else None


@contextlib.contextmanager
def worker(store: Store, **environment: str) -> Iterator[subprocess.Popen]:
    """`python -m engine worker`, as a person starts it; ended with the block."""
    command = [sys.executable, "-m", "engine", "worker", "--workspace", str(store.workspace), "--idle", "300", "--device", "cpu"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
