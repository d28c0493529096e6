"""The programs that a row starts: a browser, and an explorer for it to show."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

from ..core import settings
from ..core.errors import DataMissing
from ..core.places import PACKAGES

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def opened() -> Iterator:
    """A headless Chromium or Chrome. Raises DataMissing where there is none, or no Playwright to drive it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise DataMissing("This row drives a browser with Playwright: `pip install -r requirements-test.txt` installs it.") from error
    path = next(filter(None, map(shutil.which, filter(None, [settings.browser(), *NAMES]))), None)
    if path is None:
        raise DataMissing(
            "This row needs Chromium or Chrome: install one (on Debian: apt-get install chromium) or name it with CHROMIUM=/path/to/chrome."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def explorer(workspace: str) -> Iterator[str]:
    """The explorer as a process of its own, on a free port; its address."""
    command = [sys.executable, "-m", "explorer", "--port", "0", "--workspace", workspace]
    process = subprocess.Popen(command, cwd=PACKAGES, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        said = re.search(r"http://\S+", process.stdout.readline())
        assert said is not None, "the explorer did not start"
        yield said[0]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
