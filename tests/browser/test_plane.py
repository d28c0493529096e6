"""Plane: three networks, maps that fill in, a point that is live, and what is kept of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PIL import Image
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


def put(page: Page, path: str, u: float, v: float, kept: bool = False) -> None:
    """The pointer on a place of a map; `kept`: clicked."""
    over = page.get_by_test_id(f"plane-{path}").locator(".pl-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    high = 3**0.5 / 2
    across, up = (u + v / 2 + 0.25) / 1.5, (v * high - (high / 2 - 0.75)) / 1.5
    place = box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]
    page.mouse.move(*place, steps=4)
    if kept:
        page.mouse.click(*place)


def whole_right(png: bytes) -> bool:
    """Whether something is in the right third of a picture, and not cut off by its edge."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    width, height = picture.size
    colours = lambda left, right: len(picture.crop((left, 8, right, height - 8)).getcolors(width * height))
    return colours(2 * width // 3, width - 4) > 8 and colours(width - 2, width) < 3


def test_the_plane_of_shapes_says_how_like_the_three_each_is_and_shows_it(page: Page):
    shown(page, "/plane?space=netspace-chairs")
    decoded, weights = (float(page.get_by_test_id(f"plane-{path}").get_attribute("data-least")) for path in ("embedding", "weights"))
    assert decoded > 0.3 > 0.05 > weights, "between three chairs the space makes something like them, mixed weights wrecks"
    assert access.stops_to_hero(page, "plane") <= access.STOPS and access.in_both_themes(page) == {}
    value, look = page.get_by_test_id("plane-embedding-accuracy"), page.get_by_test_id("plane-embedding-look")
    put(page, "weights", 1, 0)
    at_b = lambda: abs(float(value.get_attribute("data-u")) - 1) < 0.02 and value.get_attribute("data-n") == str(48**3)
    until(value, at_b, "the shape under the pointer is not measured on all cells once it rests")
    expect(look).to_have_attribute("data-resolution", "96")
    assert int(look.get_attribute("data-faces")) > 1000 and float(value.get_attribute("data-value")) > 0.8, "B itself"
    small = page.get_by_test_id("plane-aligned-look")
    put(page, "aligned", 0.25, 0.5)  # a wreck that is but a speck far from the middle: the view steps back for it
    wreck = page.get_by_test_id("plane-aligned-accuracy")
    there = lambda: abs(float(wreck.get_attribute("data-v")) - 0.5) < 0.02 and wreck.get_attribute("data-n") == str(48**3)
    until(wreck, there, "the wreck is not measured")
    until(small, lambda: whole_right(small.screenshot()), "a surface that is far from the middle is not in the view")
    put(page, "aligned", 0.4, 0.3, kept=True)
    until(value, lambda: "u=0.4" in page.url and "v=0.3" in page.url, "the click is not in the address")
    page.get_by_role("slider", name="place in the plane").press("ArrowUp")
    until(value, lambda: "v=0.32" in page.url, "the key is not in the address")
    look.focus()
    before = look.locator("canvas").screenshot()
    page.keyboard.press("ArrowLeft")
    until(look, lambda: look.locator("canvas").screenshot() != before, "the arrow key does not turn the shape")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).open()))
    assert len(rows) == 3 * 441 and {"iou", "to_a", "to_b", "to_c", "cells", "low_95"} <= rows[0].keys()
    assert all(float(row["iou"]) == max(float(row[f"to_{end}"]) for end in "abc") for row in rows)
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert Path(download.value.path()).read_bytes()[1:4] == b"PNG"


def test_the_plane_of_signals_shows_the_picture_under_the_pointer(page: Page):
    shown(page, "/plane?space=netspace-digits-inr")
    assert access.in_both_themes(page) == {}
    mixed, look = page.get_by_test_id("plane-weights-accuracy"), page.get_by_test_id("plane-weights-look")
    put(page, "embedding", 0, 1)
    until(mixed, lambda: abs(float(mixed.get_attribute("data-v")) - 1) < 0.02, "the network on C is not measured")
    assert float(mixed.get_attribute("data-value")) > 25, "the mixture at C is C itself, nearly"
    expect(look).to_have_attribute("data-pixels", "128")
    before = look.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    put(page, "embedding", 0.3, 0.3, kept=True)
    until(mixed, lambda: "u=0.3" in page.url, "the click is not in the address")
    until(look, lambda: look.locator("canvas").evaluate("canvas => canvas.toDataURL()") != before, "the picture does not follow")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert "PSNR" in Path(download.value.path()).read_text()
