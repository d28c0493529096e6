"""A newcomer's story from Home to an export: with the keyboard alone, led by the guided tour, which Escape ends on any step; and with the
mouse. Late by name, as both leave networks in the workspace."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import trimesh
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import end_workers
from tests.browser.hand import at_rest, grab, until
from tests.browser.test_latent_map import click, ids, two_points, wait_in_url

PLACED = 240_000  # ms until a mesh is fitted and placed on a busy machine


@pytest.fixture(autouse=True)
def no_worker_stays(server):
    yield
    end_workers(server.workspace)


def placed(server) -> int:
    """How many meshes are placed in the workspace."""
    return len([*server.workspace.glob("placed-*/manifest.json")])


def test_the_tour_does_the_things_by_keys_alone_and_escape_ends_it(page: Page, server):
    before = placed(server)
    page.goto("/")
    tour, thumb = page.get_by_test_id("tour"), page.locator(".ip-thumb").first
    expect(thumb).to_be_visible()
    expect(tour).to_be_hidden()
    opens = page.get_by_role("button", name="New here? Take the tour")  # offered, once
    opens.focus()
    page.keyboard.press("Enter")
    query = lambda: {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}

    def done(step: int) -> None:
        expect(tour).to_have_attribute("data-done", str(step), timeout=120_000)
        expect(tour.get_by_role("button", name="Next" if step < 8 else "Done")).to_be_focused()

    done(1)
    assert float(thumb.get_attribute("aria-valuenow")) == pytest.approx(0.9)
    page.keyboard.press("Enter")
    done(2)
    until(tour, lambda: {"a", "b"} <= set(query()) and query()["a"] != query()["b"], "no two points are picked")
    picked = query()
    page.keyboard.press("Enter")
    done(3)
    assert (query()["a"], query()["b"]) == (picked["a"], picked["b"])
    page.keyboard.press("Enter")
    done(4)
    expect(page).to_have_url(re.compile(r"/lso\?.*job="))
    page.keyboard.press("Enter")
    done(5)
    expect(page.get_by_text("It is now an instance of")).to_be_visible()
    page.keyboard.press("Enter")
    done(6)
    expect(page.locator(".pv[data-state='ready']")).to_be_visible()
    page.keyboard.press("Enter")
    done(7)
    expect(page.get_by_text(re.compile("stool.obj: (Waiting|Reading|Fitting|Placing|Drawing)"))).to_be_visible()
    page.keyboard.press("Enter")
    done(8)
    expect(page.get_by_test_id("nern-accuracy")).to_be_visible()
    until(tour, lambda: float(query().get("prune", 0)) > 0.3, "nothing is pruned")
    at_rest(page)  # a run of the page that is still going takes its files with it
    export = page.get_by_role("button", name="safetensors")
    export.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".safetensors")
    until(tour, lambda: placed(server) > before, "the mesh was never placed")
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
    page.get_by_role("button", name="Tour", exact=True).focus()  # always in the menu, and offered no more
    page.keyboard.press("Enter")
    done(1)
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()


def test_a_newcomers_story_with_the_mouse(page: Page, server):
    """Without the tour: Home, drag, map, LSO, keep, PReps, drop a mesh, prune, export; from page to page by the bar."""
    bar, before = page.locator(".st-key-links"), placed(server)

    def drag(thumb: Locator, by: float) -> None:
        box = grab(thumb)
        page.mouse.move(box["x"] + box["width"] / 2 + by, box["y"] + box["height"] / 2, steps=4)
        page.mouse.up()

    page.goto("/")
    thumb, accuracy = page.locator(".ip-thumb").first, page.get_by_test_id("live-accuracy").first
    expect(accuracy).to_have_attribute("data-gamma", "0.5")
    drag(thumb, 300)
    until(thumb, lambda: float(accuracy.get_attribute("data-gamma")) > 0.7, "the network did not follow the thumb")
    page.wait_for_timeout(500)  # letting go runs the page's script
    at_rest(page)

    bar.get_by_role("link", name="Map").click()
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-state", "ready")
    at_rest(page)
    names, points = ids(page), two_points(page)
    for (row, at), letter in zip(points, "ab"):
        click(page, at, names[row])
        page.mouse.click(*at)  # again: an anchor
        wait_in_url(page, **{letter: names[row]})

    bar.get_by_role("link", name="LSO").click()
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_test_id("lso-after")).to_be_visible()
    assert float(page.get_by_test_id("lso-after").inner_text().split()[0]) > 50
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("It is now an instance of")).to_be_visible()

    bar.get_by_role("link", name="PReps").click()
    expect(page.locator(".pv[data-state='ready']")).to_be_visible()

    bar.get_by_role("link", name="Shapes").click()
    with page.expect_file_chooser() as chooser:
        page.locator("[data-testid=stFileUploader] button").click()
    table = trimesh.creation.box((1, 0.15, 1)).apply_translation((0, 0.4, 0))
    foot = trimesh.creation.box((0.25, 0.9, 0.25)).apply_translation((0, -0.1, 0))
    mesh = trimesh.exchange.ply.export_ply(trimesh.util.concatenate([table, foot]))
    chooser.value.set_files({"name": "table.ply", "mimeType": "model/ply", "buffer": mesh})
    page.get_by_role("button", name="Place it").click()
    expect(page.get_by_text(re.compile("table.ply: Fitting"))).to_be_visible(timeout=PLACED)

    bar.get_by_role("link", name="NeRN").click()
    figure = page.get_by_test_id("nern-accuracy")
    expect(figure).to_have_attribute("data-images", "360")
    drag(page.get_by_role("slider", name="pruning"), 400)
    until(figure, lambda: float(figure.get_attribute("data-prune")) > 0.3, "nothing is pruned")
    page.wait_for_url(re.compile("prune="))
    at_rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="safetensors").click()
    assert download.value.suggested_filename.endswith(".safetensors")
    until(figure, lambda: placed(server) > before, "the mesh was never placed")
