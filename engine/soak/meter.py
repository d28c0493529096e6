"""What the explorer holds: memory, descriptors and threads of its process, once a second."""

from __future__ import annotations

import contextlib
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..core import settings
from ..core.errors import DataMissing
from ..core.places import PACKAGES

GROWTH = 0.05  # of what is held: more from the third quarter to the last is no longer called flat
SLACK = {"memory": 16.0, "descriptors": 12.0, "threads": 12.0}  # MB, count: what comes and goes within a second


@contextlib.contextmanager
def started(workspace: Path) -> Iterator[tuple[int, int]]:
    """An explorer of its own on a free port of 127.0.0.1: (port, process id). Its errors go to this process's standard error."""
    command = [sys.executable, "-m", "explorer", "--port", "0", "--workspace", str(workspace)]
    environment = settings.environment("EXPLORER_ALLOWED_HOSTS", "EXPLORER_BASE_PATH", "EXPLORER_JOBS")
    process = subprocess.Popen(command, cwd=PACKAGES, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None, "it is a pipe"
    try:
        address = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        if address is None:
            raise DataMissing("The explorer did not start; its output above says why.")
        yield int(address[1]), process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class Meter:
    """`begin`, `look` once a second, `summary`."""

    def __init__(self, pid: int):
        self.process = Path(f"/proc/{pid}")
        self.rows: dict[str, list[float]] = {}

    def begin(self) -> None:
        self.rows = {"memory": [], "descriptors": [], "threads": []}
        self.look()

    def look(self) -> None:
        try:
            status = (self.process / "status").read_text()
            held = len(os.listdir(self.process / "fd"))
        except OSError as error:
            raise DataMissing(f"The explorer exited during the soak ({error}).") from error
        memory, threads = re.search(r"VmRSS:\s+(\d+)", status), re.search(r"Threads:\s+(\d+)", status)
        if memory is None or threads is None:  # a process that has ended and that nobody has waited for holds no memory
            raise DataMissing("The explorer exited during the soak.")
        self.rows["memory"].append(int(memory[1]) / 1024)
        self.rows["threads"].append(int(threads[1]))
        self.rows["descriptors"].append(held)

    def summary(self) -> dict:
        """For each what was held at first, in the third and the last quarter (medians) and at most; `flat`: none grew."""
        found: dict = {name: quarters(values) for name, values in self.rows.items()}
        return {**found, "flat": all(flat(name, row) for name, row in found.items())}


def quarters(values: list[float]) -> dict[str, float]:
    quarter = max(1, len(values) // 4)
    third, last = values[-2 * quarter : -quarter] or values, values[-quarter:]
    return {"first": values[0], "third": statistics.median(third), "last": statistics.median(last), "most": max(values)}


def flat(name: str, row: dict[str, float]) -> bool:
    return row["last"] - row["third"] <= max(SLACK[name], GROWTH * row["third"])
