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
PATIENCE = 120_000  # ms
# Home's last words are there, and its live views have named what is at the ends of their sliders.
SHOWN = """() => document.body.textContent.includes("Figures are as they were measured") && document.querySelector(".nv") &&
  ["ip", "sh"].every((view) => document.querySelector(`[data-${view}="name-a"]`)?.textContent)"""
ANSWERED = """() => "gamma" in (document.querySelector('[data-testid="live-accuracy"]')?.dataset ?? {})"""
WHOLE = """() => document.body.textContent.includes("Computing on") &&
  [...document.querySelectorAll(".space-card img")].every((each) => each.complete && each.naturalWidth)"""


def list_seconds() -> list[dict]:
    """Median wall seconds of `python -m engine list` as a process of its own; the reference is the bar."""
    command = [sys.executable, "-m", "engine", "list", "--json"]

    def call() -> None:
        subprocess.run(command, cwd=PACKAGES, check=True, stdout=subprocess.DEVNULL)

    call()
    return [row("list_seconds", statistics.median(seconds(call) for _ in range(7)), "s", BAR_LIST)]


def first_page_seconds() -> list[dict]:
    """Seconds from `python -m explorer`, in a browser that is already open, until Home is there: its words to the last, all cards, and its
    live views, whose scripts run and whose sliders can be dragged; the reference is the bar. Then until the first network is measured in
    such a view, and until nothing is left to come: the pictures on the cards, and the device."""
    with opened() as browser, tempfile.TemporaryDirectory() as workspace:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        began = time.perf_counter()
        with explorer(workspace) as url:
            page.goto(url)
            shown, answered, whole = (took(page, each, began) for each in (SHOWN, ANSWERED, WHOLE))
    return [
        row("first_page_seconds", shown, "s", BAR_PAGE),
        row("first_page_answer_seconds", answered, "s"),
        row("first_page_whole_seconds", whole, "s"),
    ]


def took(page, condition: str, began: float) -> float:
    """Seconds since `began` when a condition holds on the page."""
    page.wait_for_function(condition)
    return time.perf_counter() - began
