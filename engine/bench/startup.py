"""How long a person waits at the start."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
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
    """Seconds from `python -m explorer` to the first page painted in a browser that is already open; the reference is the bar."""
    from .browser import open_browser

    port = free_port()
    with open_browser() as browser, tempfile.TemporaryDirectory() as workspace:
        page = browser.new_page()
        began = time.perf_counter()
        with served(port, workspace):
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_role("heading", level=1).first.wait_for()
            took = time.perf_counter() - began
        page.close()
    return [row("first_page_seconds", took, "s", BAR_PAGE)]


class served:
    """The explorer as a process, from when it answers until the block ends."""

    def __init__(self, port: int, workspace: str):
        command = [sys.executable, "-m", "explorer", "--port", str(port), "--workspace", workspace]
        self.port, self.process = port, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)

    def __enter__(self):
        until = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=5).close()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        self.__exit__()
        raise AssertionError("python -m explorer did not come up")

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]
