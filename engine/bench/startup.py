"""How long a person waits at the start."""

from __future__ import annotations

import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import row
from .measure import seconds

ROOT = Path(__file__).resolve().parents[2]
BAR_LIST, BAR_PAGE = 1.0, 5.0  # seconds


def list_seconds() -> list[dict]:
    """Median wall seconds of `python -m engine list` as a process of its own; the reference is the bar."""
    command = [sys.executable, "-m", "engine", "list", "--json"]

    def call() -> None:
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    call()
    return [row("list_seconds", statistics.median(seconds(call) for _ in range(7)), "s", BAR_LIST)]


def first_page_seconds() -> list[dict]:
    """Seconds from `python -m explorer` to the first page shown in a browser that is already open; the reference is the bar."""
    from .browser import opened

    with opened() as browser, tempfile.TemporaryDirectory() as workspace:
        page = browser.new_page()
        began = time.perf_counter()
        with explorer(workspace) as url:
            page.goto(url)
            page.get_by_text("Computing on").wait_for(timeout=120_000)  # the last of Home
            took = time.perf_counter() - began
    return [row("first_page_seconds", took, "s", BAR_PAGE)]


@contextlib.contextmanager
def explorer(workspace: str) -> Iterator[str]:
    """The explorer as a process of its own, on a free port; its address."""
    command = [sys.executable, "-m", "explorer", "--port", "0", "--workspace", workspace]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield re.search(r"http://\S+", process.stdout.readline())[0]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
