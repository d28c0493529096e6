"""Visits that come and go: real browsers where there is one, else what a browser says to the server, without its scripts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

from ..bench.programs import opened
from ..core.errors import DataMissing
from .drag import PATIENCE, Meanwhile, fetched, note

SCREENS = ("latent-map?space={}", "shapes", "preps?space={}", "nern", "lso?space={}", "papers", "training")
QUIET = 2.0  # seconds without a message after which a page is taken to be shown


def rerun(page: str) -> bytes:
    """Streamlit's message "run this page" (BackMsg.rerun_script with query_string and page_name), for addresses under 128 bytes."""
    name, _, query = page.partition("?")
    inner = b"".join(bytes([tag, len(text)]) + text.encode() for tag, text in ((0x0A, query), (0x22, name)))
    return bytes([0x5A, len(inner)]) + inner


class Sessions(Meanwhile):
    """`count` visits at a time, one round after the other, while the block runs."""

    def __init__(self, port: int, asked: dict, count: int, errors: dict):
        super().__init__("sessions", self.keep, errors)
        self.port, self.asked, self.count = port, asked, count
        self.kind, self.begun, self.visits, self.rounds = "browsers", 0, 0, 0

    def keep(self) -> None:
        try:
            with opened() as browser:
                while not self.ended.is_set():
                    self.round(browser)
        except DataMissing:
            self.alone()

    def alone(self) -> None:
        self.kind = "sockets, without a browser"
        asyncio.run(self.without())

    def round(self, browser) -> None:
        """Ten people open a page each, drag, look at another page, and leave."""
        from playwright.sync_api import Error

        tabs = []
        for number, (a, b) in enumerate(self.pairs()):
            if self.ended.is_set():
                break
            context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=f"http://127.0.0.1:{self.port}")
            context.set_default_timeout(1000 * PATIENCE)
            tab = context.new_page()
            tab.on("pageerror", lambda error: note(self.errors, "page", error))
            tabs.append((number, context, tab))
            try:
                tab.goto(f"/interpolation?space={self.asked['space']}&a={a}&b={b}&gamma=0.5")
                self.begun += 1
            except Error as error:
                note(self.errors, "visit", error)
        for number, context, tab in tabs:
            try:
                if not self.ended.is_set():
                    self.visit(tab, number)
            except Error as error:
                note(self.errors, "visit", error)
            finally:
                context.close()
        self.rounds += not self.ended.is_set()

    def visit(self, tab, number: int) -> None:
        tab.get_by_test_id("live-accuracy").wait_for()
        thumb = tab.get_by_role("slider", name="gamma")
        for key in ("Home", "PageUp", "PageUp", "End"):
            thumb.press(key)
        tab.goto("/" + SCREENS[(self.visits + number) % len(SCREENS)].format(self.asked["space"]))
        tab.get_by_test_id("job-tray").wait_for(state="attached")
        self.visits += 1

    def pairs(self) -> Iterator[tuple[str, str]]:
        ids = self.asked["ids"]
        for number in range(self.count):
            at = (7 * (self.rounds * self.count + number)) % (len(ids) - 1)
            yield ids[at], ids[at + 1]

    async def without(self) -> None:
        while not self.ended.is_set():
            await asyncio.gather(*(self.talk(number) for number in range(self.count)))
            self.rounds += 1

    async def talk(self, number: int) -> None:
        """The page's socket: run two screens, take what they show, leave."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException
        from websockets.typing import Subprotocol

        try:
            await asyncio.to_thread(fetched, self.port, "/api/jobs?live")
            address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
            async with connect(address, max_size=None, subprotocols=[Subprotocol("streamlit")], open_timeout=PATIENCE) as socket:
                for screen in ("interpolation?space={}", SCREENS[number % len(SCREENS)]):
                    await socket.send(rerun(screen.format(self.asked["space"])))
                    await asyncio.wait_for(socket.recv(), PATIENCE)
                    self.begun += screen.startswith("interpolation")
                    shown = time.monotonic() + PATIENCE  # a page that never rests is left, too
                    with contextlib.suppress(TimeoutError):
                        while time.monotonic() < shown:
                            await asyncio.wait_for(socket.recv(), QUIET)
            self.visits += 1
        except (OSError, ValueError, TimeoutError, WebSocketException) as error:
            note(self.errors, "visit", repr(error))
            await asyncio.sleep(1)

    def summary(self) -> dict:
        return {"kind": self.kind, "begun": self.begun, "count": self.visits, "rounds": self.rounds}
