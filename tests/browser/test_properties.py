"""The page of properties as a reader uses it: a table, a chart, and a click that opens the map at an instance."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser import access


def test_a_point_leads_to_its_instance_on_the_map(page: Page):
    page.goto("/properties?space=netspace-digits&property=test_accuracy")
    expect(page.get_by_role("heading", name="What an embedding knows")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    point = page.locator(".js-plotly-plot .scatterlayer .trace .points path").first
    expect(point).to_be_visible()
    assert access.stops_to_hero(page, "properties") <= access.STOPS and access.in_both_themes(page) == {}
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".hoverlayer .hovertext")).to_contain_text("predicted")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile(r"/latent-map\?.*instance=digits-lenetlike-\d{4}"))
