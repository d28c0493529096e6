"""The hand on the mouse, as patient as a person: it takes hold of what has come to rest and waits for what it sees."""

import time
from collections.abc import Callable

from playwright.sync_api import FloatRect, Locator, Page

# How far down a page an element ends, in pixels: the pay-off is to be within the 800 of a small screen.
FOLD = "element => element.getBoundingClientRect().bottom + document.querySelector('.stMain').scrollTop"
PATIENCE = 60  # seconds: no test is timed, and a busy machine must not fail one


def grab(thumb: Locator) -> FloatRect:
    """Press the mouse on the middle of a thumb that lies still, again where the page moved it away from under the pointer; where
    it lies, in pixels of the window. A held thumb has the keyboard's focus, which it must not have before."""
    mouse = thumb.page.mouse

    def held() -> bool:
        thumb.hover()
        mouse.down()
        if thumb.evaluate("thumb => thumb === document.activeElement"):
            return True
        mouse.up()
        return False

    until(thumb, held, "the thumb was never held")
    box = thumb.bounding_box()
    assert box is not None
    return box


def until(thumb: Locator, seen: Callable[[], bool], what: str) -> None:
    """Let the page go on until ``seen`` says yes; an AssertionError with ``what`` after :data:`PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < end, what
        thumb.page.wait_for_timeout(20)


def choose(box: Locator, option: str) -> None:
    """Choose by name from a box; a box that closes again, because the page around it was still being laid out, is opened again."""
    wanted = box.page.get_by_role("option", name=option)

    def opened() -> bool:
        if not wanted.is_visible():
            box.click()
            box.page.wait_for_timeout(1000)
        return wanted.is_visible()

    until(box, opened, f"the box never offered {option!r}")
    wanted.click()


def at_rest(page: Page) -> Page:
    """Wait until the page's script has run and its fonts are there: only then does what is laid out stay where it is."""
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning' && document.fonts.status === 'loaded'",
        timeout=1000 * PATIENCE,
    )
    return page


def offered(page: Page) -> dict[str, str]:
    """Format -> what its link says."""
    return page.locator("a[data-form][href]").evaluate_all("links => Object.fromEntries(links.map(a => [a.textContent, a.title]))")
