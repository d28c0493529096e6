"""A space of several architectures in a real browser: a drag across all ClassIds, and the square between four networks."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT
from tests.browser.hand import FOLD, grab, until

SPACE = "netspace-digits-multi"


@pytest.fixture(scope="module")
def ends(host) -> tuple[str, str]:
    table = host.space(SPACE).table
    held = table[table["split"] == "test"]
    return held["id"].iloc[0], held["id"].iloc[-1]


def test_a_drag_goes_through_every_architecture_in_order(page: Page, host, ends):
    page.goto(f"/interpolation?space={SPACE}&a={ends[0]}&b={ends[1]}&gamma=0")
    live, shown = page.get_by_test_id("live-accuracy"), page.get_by_test_id("class-ids")
    expect(live).to_have_attribute("data-gamma", "0")
    archs = [arch.id for arch in host.space(SPACE).archs]
    expect(shown).to_have_attribute("data-architecture", archs[0])
    slider = page.get_by_role("slider", name="gamma")
    seen = [archs[0]]
    grab(slider)
    track = page.locator(".ip-slider").bounding_box()
    y = track["y"] + track["height"] / 2
    for move in range(1, 41):
        page.mouse.move(track["x"] + move / 40 * track["width"], y)
        until(
            slider, lambda: live.get_attribute("data-gamma") == slider.get_attribute("aria-valuenow"), "the figure did not follow the thumb"
        )
        found = shown.get_attribute("data-architecture")
        if found != seen[-1]:
            seen.append(found)
    page.mouse.up()
    expect(live).to_have_attribute("data-gamma", "1")
    expect(shown).to_have_attribute("data-architecture", archs[-1])
    assert seen + ([archs[-1]] if seen[-1] != archs[-1] else []) == archs
    shares = [float(text.split("\u202f")[0]) for text in shown.locator("b").all_inner_texts()]
    assert abs(sum(shares) - 100) < 0.3 and shares[-1] == max(shares)
    expect(page.get_by_test_id("live-aligned")).to_have_text("impossible")  # weights of two architectures
    command = [sys.executable, "-m", "engine", "interpolate", SPACE, *ends, "--gamma", "1", "--json", "--device", "cpu"]
    wanted = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["accuracy"]
    assert float(live.get_attribute("data-value")) == pytest.approx(wanted["value"], abs=1e-12)


def test_the_square_between_four_answers_where_the_thumb_is(page: Page, host):
    page.goto(f"/interpolation?space={SPACE}&between=four&x=0&y=0")
    value, pad = page.get_by_test_id("corner-accuracy"), page.get_by_test_id("corner-pad")
    expect(value).to_have_attribute("data-x", "0")
    archs = [arch.id for arch in host.space(SPACE).archs]
    expect(value).to_have_attribute("data-architecture", archs[0])
    assert pad.evaluate(FOLD) <= 800
    expect(page.get_by_test_id("corner-found")).to_contain_text("\u202f%")  # of the places measured so far
    box = pad.bounding_box()
    pad.hover(position={"x": 3, "y": box["height"] - 3})  # waits until it lies still
    page.mouse.down()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 3, steps=20)  # to the upper right: the largest
    page.mouse.up()
    expect(value).to_have_attribute("data-architecture", archs[-1])
    page.wait_for_function("new URL(location).searchParams.get('x') > 0.9")
    query = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    corners = [query[f"c{i}"] for i in range(4)]
    expect(value).to_have_attribute("data-x", query["x"])
    wanted = host.corner(SPACE, corners, float(query["x"]), float(query["y"]), "all")
    assert float(value.get_attribute("data-value")) == pytest.approx(wanted.accuracy, abs=1e-12)
    page.get_by_role("slider", name="place in the square").press("ArrowLeft")
    expect(value).not_to_have_attribute("data-x", query["x"])
