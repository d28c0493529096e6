"""The latent map's colours in a real browser: whatever points are coloured by, all of them are drawn."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.hand import until

WAIT = 60_000  # a loaded machine

@pytest.mark.parametrize("space", ["netspace-digits-inr", "netspace-chairs", "netspace-digits-multi"])
def test_every_colour_draws_every_point_and_its_legend_counts_them(page, space):
    page.goto(f"/latent-map?space={space}")
    root, colours = page.get_by_test_id("latent-map"), page.get_by_label("Colour")
    expect(root).to_have_attribute("data-state", "ready", timeout=WAIT)
    points = int(root.get_attribute("data-points"))
    drawn = "document.querySelector('.lm').latentMap.points().length"
    for colour in colours.locator("option").evaluate_all("options => options.map(option => option.value)"):
        colours.select_option(colour)
        until(root, lambda: page.evaluate(drawn) == points, f"by {colour} it drew {page.evaluate(drawn)} of {points} points")
        counts = page.locator(".lm [data-do=hide] small").all_inner_texts()
        assert not counts or sum(map(int, counts)) == points
