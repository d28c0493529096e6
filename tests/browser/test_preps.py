"""PReps in a real browser: names under the pointer, one zoom for all, the swipe, the figures to take away."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.hand import until

SPACE = "netspace-digits"
WAIT = 60_000  # a loaded machine
PICTURE = (
    "(canvas) => [...new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, "
    "canvas.height).data.buffer)].reduce((hash, pixel) => (hash * 31 + pixel) | 0, 0)"
)
COLOURS = "(canvas) => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"


def open_preps(page: Page, query: str = "") -> Page:
    page.goto(f"/preps?space={SPACE}{query}")
    expect(page.get_by_test_id("prep-view")).to_have_attribute("data-state", "ready", timeout=WAIT)
    canvas = page.get_by_test_id("prep-target")
    until(canvas, lambda: canvas.evaluate(COLOURS) > 50, "the picture was not painted")
    return page


def pictures(page: Page) -> list[int]:
    return [page.get_by_test_id(f"prep-{name}").evaluate(PICTURE) for name in ("target", "predicted", "difference")]


def wait_in_url(page: Page, **values: str) -> None:
    page.wait_for_function(
        "(wanted) => Object.entries(wanted).every(([name, value]) => new URL(location).searchParams.get(name) === value)",
        arg=values,
        timeout=WAIT,
    )


def number(text: str) -> float:
    return float(text.replace("\u2212", "-"))


def test_pointing_at_a_parameter_names_it_and_its_values(page):
    open_preps(page)
    for name in ("target", "predicted", "difference"):
        assert page.get_by_test_id(f"prep-{name}").evaluate(COLOURS) > 50
    canvas = page.get_by_test_id("prep-target")
    canvas.hover(position={"x": 3, "y": 3})
    card = page.get_by_test_id("prep-readout")
    expect(card).to_contain_text("convs.0.weight [6 × 1 × 3 × 3]")
    expect(card).to_contain_text("index (0, 0, 0, 0) · PRep row 0, column 0")
    target, predicted, difference = (number(text) for text in card.locator("dd").all_inner_texts())
    assert difference == pytest.approx(predicted - target, abs=2e-4)
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(card).to_contain_text("fcs.0.weight [32 × 64]")


def test_the_keyboard_walks_over_the_parameters_in_prep_order(page):
    open_preps(page, "&form=raw")
    expect(page.get_by_test_id("prep-view")).to_have_attribute("data-form", "raw")
    page.get_by_test_id("prep-predicted").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("prep-readout")).to_contain_text("PRep row 0, column 0")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("prep-readout")).to_contain_text("index (0, 0, 0, 1) · PRep row 0, column 1")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("prep-readout")).to_contain_text("PRep row 1, column 1")


def test_zoom_and_pan_move_all_pictures(page):
    open_preps(page)
    whole = pictures(page)
    canvas = page.get_by_test_id("prep-predicted")
    canvas.dblclick()
    expect(page.get_by_test_id("prep-view")).to_have_attribute("data-zoom", "2.00")
    page.mouse.move(5, 5)
    until(canvas, lambda: all(before != after for before, after in zip(whole, pictures(page))), "some picture did not zoom")
    zoomed = pictures(page)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 110, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)
    until(canvas, lambda: all(before != after for before, after in zip(zoomed, pictures(page))), "some picture did not move")
    page.get_by_role("button", name="All", exact=True).click()
    page.mouse.move(5, 5)
    until(canvas, lambda: pictures(page) == whole, "the pictures did not come back")
    page.get_by_role("button", name="convs.0.bias").click()
    until(canvas, lambda: float(page.get_by_test_id("prep-view").get_attribute("data-zoom")) > 2, "it did not zoom to the layer")


def test_the_swipe_moves_with_the_mouse_and_with_the_keyboard(page):
    open_preps(page)
    page.get_by_role("button", name="Swipe").click()
    wait_in_url(page, view="swipe")
    divider = page.get_by_role("slider", name="divider")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    clip = page.get_by_test_id("prep-predicted")
    expect(clip).to_have_attribute("style", re.compile("clip-path.*50%"))
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")
    divider.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    divider.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    box, canvas = divider.bounding_box(), page.get_by_test_id("prep-target").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(canvas["x"] + canvas["width"] / 4, canvas["y"] + 50, steps=4)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")
    expect(clip).to_have_attribute("style", re.compile("clip-path.*25"))
    page.get_by_role("button", name="Difference", exact=True).click()
    wait_in_url(page, view="difference")
    expect(page.get_by_test_id("prep-difference")).to_be_visible()
    expect(page.get_by_test_id("prep-target")).to_be_hidden()


def test_another_instance_has_other_pictures(page):
    names = page.request.get(f"/api/spaces/{SPACE}").json()["instances"]["id"]
    seen = set()
    for name in names[:2]:
        open_preps(page, f"&instance={name}")
        expect(page.get_by_test_id("prep-view")).to_have_attribute("data-instance", name)
        seen.add(tuple(pictures(page)))
    assert len(seen) == 2


def test_the_figure_can_be_taken_away(page, tmp_path):
    open_preps(page)
    sizes = {}
    for kind in ("PNG", "SVG"):
        with page.expect_download(timeout=WAIT) as download:
            page.get_by_role("button", name=f"Figure as {kind}").click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        sizes[kind] = path
        assert path.suffix == f".{kind.lower()}"
    image = Image.open(sizes["PNG"])
    assert image.format == "PNG" and image.width > image.height > 300  # three pictures in a row
    assert ElementTree.parse(sizes["SVG"]).getroot().tag.endswith("svg")


def test_layers_and_values_stand_below(page):
    open_preps(page)
    expect(page.get_by_role("heading", name="Layers")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_be_visible(timeout=WAIT)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename.endswith("-layers.csv")


def test_a_choice_that_is_lost_on_its_way_is_told_again(page):
    """Streamlit drops a value now and then, where another run was on its way; here the first message that holds it is dropped."""
    lost = []

    def between(socket):
        server = socket.connect_to_server()

        def to_server(message):
            if not lost and b"difference" in message:
                lost.append(message)
            else:
                server.send(message)

        socket.on_message(to_server)

    page.route_web_socket(re.compile("_stcore/stream"), between)
    open_preps(page)
    page.get_by_role("button", name="Difference", exact=True).click()
    wait_in_url(page, view="difference")
    assert lost
