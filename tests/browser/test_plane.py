"""Plane: three networks, maps that fill in, a point that is live, and what is kept of it."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import access
from tests.browser.hand import until

SPACE, SEVERAL = "netspace-digits", "netspace-digits-multi"


def shown(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_test_id("plane")).to_have_attribute("data-field", "done", timeout=120_000)


def test_three_planes_fill_in_and_a_place_is_live_kept_and_downloaded(page: Page):
    shown(page, f"/plane?space={SPACE}")
    decoded, weights = (float(page.get_by_test_id(f"plane-{path}").get_attribute("data-least")) for path in ("embedding", "weights"))
    assert access.stops_to_hero(page, "plane") <= access.STOPS and access.in_both_themes(page) == {}
    access.full_screen(page)
    assert decoded > 0.9 > 0.6 > weights, "three good networks: between them the space works, mixed weights do not"
    value = page.get_by_test_id("plane-weights-accuracy")
    thumb = page.get_by_role("slider", name="place in the plane")
    before = value.get_attribute("data-u")
    thumb.focus()
    page.keyboard.press("ArrowRight")
    expect(value).not_to_have_attribute("data-u", before)
    until(thumb, lambda: "u=0.35" in page.url, "the place is not in the address")
    box = page.get_by_test_id("plane-aligned").locator(".pl-over").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 6, box["y"] + box["height"] * 0.789)  # on A
    until(thumb, lambda: "u=0.35" not in page.url, "the click is not in the address")
    on_a = lambda: all(abs(float(value.get_attribute(f"data-{name}"))) < 0.02 for name in "uv")
    until(thumb, on_a, "the click is not measured")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).open()))
    assert len(rows) == 3 * 441 and {row["path"] for row in rows} == {"embedding", "weights", "aligned"}
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert "Weights mixed after alignment" in Path(download.value.path()).read_text()


def test_a_space_of_several_architectures_shows_which_lives_where_and_equal_networks_a_sentence(page: Page):
    shown(page, f"/plane?space={SEVERAL}")
    assert page.get_by_test_id("plane-architecture").get_attribute("data-points") == "441"
    assert page.get_by_test_id("plane-weights").count() == 0
    first = page.request.get(f"/api/spaces/{SEVERAL}").json()["instances"]["id"][0]
    page.goto(f"/plane?space={SEVERAL}&a={first}&b={first}")
    expect(page.get_by_text("A plane goes through three different networks")).to_be_visible()
