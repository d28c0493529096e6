"""No page scrolls sideways, and on a phone names can be read."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Page, TimeoutError, expect

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


@pytest.mark.parametrize("address", PAGES, ids=[each or "home" for each in PAGES])
def test_no_page_scrolls_sideways(page, address):
    page.goto(f"/{address}")
    expect(page.locator(PAGES[address]).first).to_be_visible()
    assert measure(page) == dict.fromkeys(WIDTHS, 0)


def test_something_wide_is_noticed(page):
    page.goto("/papers")
    expect(page.locator(".stMainBlockContainer h1")).to_be_visible()
    page.evaluate("document.querySelector('.stMainBlockContainer h1').style.width = '1500px'")
    assert min(measure(page).values()) > 0


CUT = "(elements) => elements.filter((each) => each.textContent && each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)"


@pytest.mark.parametrize("shape", ("path", "instance"))
def test_on_a_phone_the_titles_of_meshes_and_the_anchors_can_be_read(page, shape):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/shapes?space=netspace-chairs&shape={shape}")
    expect(page.locator(".sh [data-sh='table'] td").first).to_be_visible()
    names = page.locator(".sh-views figure:visible figcaption b, .sh .ip-anchor:visible > span:not([class])")
    assert names.count() >= 3
    assert names.evaluate_all(CUT) == []
    page.evaluate("document.querySelector('.sh-views figcaption b').style.cssText = 'width: 1em; overflow: hidden; white-space: nowrap'")
    assert names.evaluate_all(CUT) != []


def test_on_a_phone_the_anchors_of_interpolation_can_be_read(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/interpolation?space=netspace-digits")
    expect(page.locator(".ip[data-curve='done']")).to_be_visible()
    names = page.locator(".ip .ip-anchor > span:not([class])")
    assert names.count() == 2 and names.evaluate_all(CUT) == []
