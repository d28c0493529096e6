"""No page scrolls sideways, on a phone names can be read, and nothing keeps anyone out: axe-core finds nothing serious in either theme,
and the keyboard is soon where a page begins. All of a page in one load."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests.browser import access

WIDTHS = (1280, 800, 390)
PAGES = {  # what shows that a page has come; thumbs far to the right, which is where they once stuck out
    "": "[class*='st-key-space_']",
    "latent-map?space=netspace-digits": ".lm[data-state='ready']",
    "interpolation?space=netspace-digits&gamma=1": ".ip[data-curve='done']",
    "interpolation?space=netspace-digits-multi&gamma=0.9": ".ip[data-curve='done']",
    "shapes?space=netspace-chairs&gamma=1": ".sh [data-sh='table'] td",
    "shapes?space=netspace-chairs&shape=instance": ".sh [data-sh='table'] td",
    "preps?space=netspace-digits": ".pv[data-state='ready']",
    "nern": ".nv:not(.waiting)",
    "lso?space=netspace-digits": ".lso [data-part='map'] .main-svg",
    "papers": ".stMainBlockContainer h1",
    "training": ".stMainBlockContainer h1",
}
# By how many pixels anything that scrolls up and down as a page does (the window, Streamlit's own column) scrolls sideways, too.
SIDEWAYS = """() => Math.max(...['html', 'body', '.stApp', '[data-testid="stMain"]', '.stMainBlockContainer'].flatMap((name) =>
  [...document.querySelectorAll(name)].map((element) => element.scrollWidth - element.clientWidth)))"""


def measure(page: Page) -> dict[int, int]:
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)  # charts follow the width a moment later; on a busy machine, some moments
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(f"({SIDEWAYS})() === 0", timeout=3000)
        found[width] = page.evaluate(SIDEWAYS)
    return found


CUT = "(elements) => elements.filter((each) => each.textContent && each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)"
NAMES = {  # on a phone: titles of meshes, anchors
    "interpolation": ".ip .ip-anchor > span:not([class])",
    "shapes": ".sh-views figure:visible figcaption b, .sh .ip-anchor:visible > span:not([class])",
}


FULL = ("latent-map", "shapes")
KEYS = {"latent-map": ("Map", "Full screen"), "interpolation": ("Slider", "Picker"), "preps": ("PRep",), "papers": ()}


@pytest.mark.parametrize("address", PAGES, ids=[each or "home" for each in PAGES])
def test_a_page_fits_can_be_read_and_is_open_to_all(page, address):
    page.goto(f"/{address}")
    expect(page.locator(PAGES[address]).first).to_be_visible()
    path = address.partition("?")[0]
    assert access.stops_to_hero(page, path) <= access.STOPS
    assert access.in_both_themes(page) == {}
    if path in FULL:
        access.full_screen(page)
    access.keys(page, KEYS.get(path, ()), both=path == "shapes")
    assert measure(page) == dict.fromkeys(WIDTHS, 0)
    if path in NAMES:
        names = page.locator(NAMES[path])  # the window is a phone's now
        assert names.count() >= 2 and names.evaluate_all(CUT) == []
        names.first.evaluate("name => name.style.cssText = 'width: 1em; overflow: hidden; white-space: nowrap; display: block'")
        assert names.evaluate_all(CUT) != []
    if path == "papers":  # what is wrong is noticed
        page.evaluate("document.querySelector('.stMainBlockContainer h1').style.cssText = 'width: 1500px; color: #bbb'")
        assert min(measure(page).values()) > 0
        assert any("color-contrast" in each for each in access.findings(page))
