"""An image that becomes another under the thumb, in a real browser."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from engine.core.frames import to_bytes
from engine.tasks.signals.networks import pictures
from tests.browser.hand import grab

SPACE = "netspace-digits-inr"


def picture(page: Page, path: str) -> Locator:
    return page.get_by_test_id(f"signal-{path}")


def drawn(page: Page, path: str) -> np.ndarray:
    """Grey levels [S, S] of a canvas."""
    address = picture(page, path).evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L"))


def test_the_pictures_follow_the_thumb_and_the_page_takes_over_its_gamma(page: Page, host):
    space = host.space(SPACE)
    held = space.table[space.table["split"] == "test"].drop_duplicates("shows")["id"].tolist()
    page.goto(f"/interpolation?space={SPACE}&a={held[0]}&b={held[1]}&gamma=0.25")
    here = picture(page, "embedding")
    expect(here).to_have_attribute("data-gamma", "0.25")
    before = drawn(page, "embedding")
    thumb = page.get_by_role("slider", name="gamma")
    box = grab(thumb)
    track = page.locator(".ip-slider").bounding_box()
    assert track is not None
    page.mouse.move(track["x"] + 0.8 * track["width"], box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"gamma=0\.[789]"))
    expect(here).to_have_attribute("data-pixels", "256")
    gamma = float(thumb.get_attribute("aria-valuenow") or "nan")
    expect(here).to_have_attribute("data-gamma", f"{gamma:g}")
    assert 0.7 < gamma < 0.9 and f"gamma={gamma:g}" in page.url
    rows = space.row(held[0]), space.row(held[1])
    for path in ("embedding", "weights", "aligned"):
        own = to_bytes(pictures(space.point(*rows, gamma, path)[None], space.arch, 256, 256)[0].numpy(), 0, 1)
        assert np.abs(drawn(page, path).astype(int) - own).max() <= 1
    assert not np.array_equal(before, drawn(page, "embedding"))
    thumb.press("Home")
    expect(here).to_have_attribute("data-gamma", "0")
    expect(page.locator(".sg-pictures figcaption").nth(1)).to_contain_text("100.0 dB to A")
