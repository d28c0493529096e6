"""How long a person waits at the start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

from ..core.places import PACKAGES
from . import row
from .measure import seconds
from .programs import explorer, opened

BAR_LIST, BAR_PAGE = 1.0, 2.5  # seconds


def list_seconds() -> list[dict]:
    """Median wall seconds of `python -m engine list` as a process of its own; the reference is the bar."""
    command = [sys.executable, "-m", "engine", "list", "--json"]

    def call() -> None:
        subprocess.run(command, cwd=PACKAGES, check=True, stdout=subprocess.DEVNULL)

    call()
    return [row("list_seconds", statistics.median(seconds(call) for _ in range(7)), "s", BAR_LIST)]


def first_page_seconds() -> list[dict]:
    """Seconds from `python -m explorer` to the first page shown in a browser that is already open; the reference is the bar."""
    with opened() as browser, tempfile.TemporaryDirectory() as workspace:
        page = browser.new_page()
        began = time.perf_counter()
        with explorer(workspace) as url:
            page.goto(url)
            page.get_by_text("Computing on").wait_for(timeout=120_000)  # the last of Home
            took = time.perf_counter() - began
    return [row("first_page_seconds", took, "s", BAR_PAGE)]
