"""A real server and a real browser. Where there is no browser the tests fail with one line that says how to get one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from engine.jobs.queue import Queue

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")  # as in the Makefile
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-color-profile=srgb"
).split()
VIEWPORT = {"width": 1280, "height": 900}
PATIENCE = 60_000  # ms until a wait fails: no test is timed, and a busy machine must not fail one
expect.set_options(timeout=PATIENCE)


def find_chromium() -> str:
    """Path of Chromium or Chrome: $CHROMIUM, else the first known name on PATH."""
    wanted = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    found = next(filter(None, map(shutil.which, wanted)), None)
    if found is None:
        pytest.fail(
            "No Chromium or Chrome: install one (on Debian: sudo apt-get install chromium) or name it, CHROMIUM=/path/to/chrome make test",
            pytrace=False,
        )
    return found


@dataclass(frozen=True)
class Server:
    """A running explorer: its address, its workspace, its process."""

    url: str
    workspace: Path
    process: subprocess.Popen


def start(workspace: Path, *arguments: str) -> Server:
    """Start `python -m explorer` on a free port and wait until it says where it is."""
    command = [sys.executable, "-m", "explorer", "--port", "0", "--workspace", str(workspace), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    line = process.stdout.readline()
    address = re.search(r"http://\S+", line)
    assert address, f"the server did not start (exit code {process.poll()}): {line!r}"
    return Server(address[0], workspace, process)


def stop(server: Server) -> None:
    """Ask it to stop as Ctrl+C does; kill it where that does not help within ten seconds."""
    server.process.send_signal(signal.SIGINT)
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    server.process.stdout.close()


def end_workers(workspace: Path) -> None:
    """Workers outlive their server by half an hour; those of a test's workspace end here."""
    for worker in Queue(workspace).workers().values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(worker.split(":")[1]), signal.SIGTERM)


@pytest.fixture(scope="session")
def shipped(workspace) -> Iterator[Server]:
    """The explorer over the gallery that ships and the run's temporary workspace."""
    running = start(workspace)
    yield running
    stop(running)
    end_workers(workspace)


@pytest.fixture(scope="session")
def server(shipped) -> Server:
    """The server that `page` belongs to; a module that needs another has a fixture of this name."""
    return shipped


@pytest.fixture(scope="session")
def profile(shipped, tmp_path_factory) -> Iterator[BrowserContext]:
    """One profile for the run: what a page costs is mostly the compiling of its scripts, and a profile keeps them compiled."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=find_chromium(), args=FLAGS, viewport=VIEWPORT, base_url=shipped.url
        )
        yield context
        context.close()


@pytest.fixture(scope="session")
def browser(profile) -> Browser:
    assert profile.browser, "Chromium without its browser"
    return profile.browser


def pytest_configure(config) -> None:
    config.addinivalue_line(
        "markers", "allowed(*patterns): errors in the browser's console, and answers of 400 and above, that the test expects"
    )


def pytest_collection_modifyitems(items) -> None:
    """A browser on a busy machine is now and then too late for a hand: a test that fails is tried once more, and the summary names it
    (RERUN). What is broken fails twice."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))


def complaints(tab: Page) -> list[str]:
    """What a person with the console open would see go wrong in a tab from now on, as it comes: errors in scripts, errors in the
    console, answers of 400 and above."""
    found: list[str] = []
    tab.on("pageerror", lambda error: found.append(f"error in a script: {error.stack or error}"))
    tab.on("response", lambda response: found.append(f"{response.status} {response.url}") if response.status >= 400 else None)

    def said(message) -> None:
        if message.type == "error" and not message.text.startswith(
            "Failed to load resource: the server responded"
        ):  # an answer, counted above
            found.append(f"console: {message.text} ({message.location.get('url', '')})")

    tab.on("console", said)
    return found


@pytest.fixture
def page(profile, browser, server, request) -> Iterator[Page]:
    """An empty tab, 1280 x 900, for this server: page.goto("/interpolation?..."). What pages of earlier tests have kept is gone.

    Asking any other machine for anything fails the test, and so does what `complaints` finds, but for what the test expects and says
    so: @pytest.mark.allowed(r"^404 .*/api/spaces/nobody").
    """
    own = server is not request.getfixturevalue("shipped")
    context = browser.new_context(viewport=VIEWPORT, base_url=server.url) if own else profile
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    if not own:
        kept = "cookies,local_storage,indexeddb"
        context.new_cdp_session(tab).send("Storage.clearDataForOrigin", {"origin": server.url, "storageTypes": kept})
    request_get = tab.request.get
    if not isinstance(request_get, partial):
        tab.request.get = partial(request_get, max_retries=3)  # the server closes idle connections, maybe just now
    foreign, found = [], complaints(tab)
    tab.on("request", lambda request: None if request.url.startswith((server.url, "data:", "blob:")) else foreign.append(request.url))
    yield tab
    (context if own else tab).close()
    assert not foreign, f"the page asked other machines: {foreign}"
    allowed = [pattern for marker in request.node.iter_markers("allowed") for pattern in marker.args]
    unexpected = [each for each in found if not any(re.search(pattern, each) for pattern in allowed)]
    assert not unexpected, "\n".join(["the browser's console is not clean:", *unexpected])
