"""What a person sees of a thing that the space does not know, or that lies far outside of the zoo: on Shapes, the map, and LSO."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
from playwright.sync_api import expect

from engine.kinds.netspace import kept, placed_shapes
from engine.tasks.distances import sheet
from engine.tasks.distances.meshing import Mesh
from tests.browser.hand import at_rest

CHAIRS, DIGITS = "netspace-chairs-probe", "netspace-digits"
UNKNOWN = "This space does not know such shapes: what it shows is its best guess, IoU 0.09"
SYMBOL = "(id) => document.querySelector('.lm').latentMap.points().find(({ row }) => row === id)?.symbol"


@pytest.fixture(scope="module")
def mine(gallery_store, host, server):
    """Two placed shapes, one that the space knows and one that it does not, and a network kept far outside; gone afterwards."""
    space, made = host.space(CHAIRS), {}
    corner = Mesh(np.eye(3, dtype="float32"), np.array([[0, 1, 2]], "int32"))
    picture = sheet.sheet(gallery_store, gallery_store.open(CHAIRS), space.parameters_NP[:1], space.arch)
    for name, iou in (("stool.obj", 0.094), ("chair.obj", 0.91)):
        embedding_E = space.embeddings_NE[3].numpy()
        found = placed_shapes.PlacedShape(
            placed_shapes.id_of(space, name.encode()),
            name,
            space.parameters_NP[3].numpy(),
            embedding_E,
            embedding_E,
            corner,
            {"placed_iou": {"value": iou, "split": "x", "n": 1}},
        )
        placed_shapes.save(gallery_store, space, found, picture, {})
        made[name] = found.id
    digits = host.space(DIGITS)
    far_E = (100 * (digits.embeddings_NE[0] - digits.embeddings_NE.mean(0))).numpy()
    parameters_P = digits.decode(digits.embeddings_NE[:1])[0].numpy()
    made["far"] = kept.save(gallery_store, digits, 0, far_E, parameters_P, digits.arch.id, {"best_step": 3}, {}, {}, "far-off").id
    yield made
    for id_ in made.values():
        shutil.rmtree(server.workspace / id_)


def test_on_the_page_of_shapes_it_is_called_a_best_guess_and_a_known_one_is_not(page, host, mine):
    page.goto(f"/shapes?space={CHAIRS}&shape=instance&instance={mine['stool.obj']}&resolution=64")
    said, title = page.get_by_test_id("outside"), page.locator("[data-pane]").first.locator('[data-of="title"]')
    expect(said).to_contain_text(UNKNOWN)
    expect(said).to_contain_text("the zoo: farther out than")
    expect(title).to_have_text("Its best guess")
    expect(page.get_by_test_id("measures").get_by_role("rowheader").first).to_have_text("Its best guess")
    expect(page.locator(f'[class*="st-key-row_{mine["stool.obj"]}"]')).to_contain_text(UNKNOWN)
    expect(page.locator(f'[class*="st-key-row_{mine["chair.obj"]}"]')).to_contain_text(
        "IoU 0.91 with the network that was placed. Inside the zoo"
    )
    expect(page.get_by_role("button", name="stool.obj (placed: a best guess)")).to_be_visible()
    page.get_by_role("button", name="chair.obj (placed)", exact=True).click()
    expect(title).to_have_text("Placed, with inversion")
    expect(said).to_contain_text("IoU 0.91")
    expect(said).not_to_contain_text("guess")
    page.get_by_role("button", name="Use as A").first.click()
    expect(page.locator('[data-sh="name-a"]')).to_have_text("chair.obj")
    page.locator(f'[class*="st-key-b_{mine["stool.obj"]}"] button').click()
    expect(page.locator('[data-sh="name-b"]')).to_have_text("stool.obj (a best guess)")
    page.get_by_role("slider", name="gamma").press("End")
    expect(said).to_contain_text(UNKNOWN)
    cards = page.locator(".sh-card")  # the sheet of a large space is bounded, and searched by the server
    expect(page.get_by_test_id("sheet-count")).to_contain_text(re.compile(r"^The first 200 of 1,08\d\."))
    assert cards.count() == 200
    last = host.space(CHAIRS).table["id"][1079]
    assert cards.locator(f'[data-id="{last}"]').count() == 0
    page.get_by_label("Find shapes").fill(f'id:"{last}"')
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-id", last)
    expect(cards.locator("canvas")).to_have_attribute("width", "112")


@pytest.mark.parametrize(("dims", "open_"), [("2", "diamond-open"), ("3", "diamond-open")])
def test_on_the_map_its_marker_is_hollow_and_its_card_says_why(page, mine, dims, open_):
    page.goto(f"/latent-map?space={CHAIRS}&dims={dims}&instance={mine['stool.obj']}")
    root = page.get_by_test_id("latent-map")
    expect(root).to_have_attribute("data-state", "ready")
    expect(page.get_by_test_id("selected-instance")).to_contain_text(UNKNOWN)
    expect(root).to_have_attribute("data-dims", dims)
    count = int(root.get_attribute("data-points"))  # the placed ones are the last, newest first
    assert [page.evaluate(SYMBOL, count - back) for back in (1, 2)] == [open_, open_.removesuffix("-open")]
    assert page.evaluate(SYMBOL, 0) == "circle"


def test_interpolation_says_what_lies_outside_without_a_jump(page, mine):
    names = page.request.get(f"/api/spaces/{DIGITS}").json()["instances"]["id"]
    page.goto(f"/interpolation?space={DIGITS}&a={names[0]}&b={mine['far']}&gamma=0")
    said, slider, value = (
        page.locator(".ip").get_by_test_id("outside"),
        page.get_by_role("slider", name="gamma"),
        page.get_by_test_id("live-accuracy"),
    )
    expect(value).to_have_attribute("data-gamma", "0")
    expect(said).to_have_text("Outside the zoo: anchor B.")
    top = at_rest(page) and value.bounding_box()["y"]
    slider.press("End")
    expect(said).to_have_text("Outside the zoo: the network here, anchor B.")
    assert value.bounding_box()["y"] == top
    page.goto(f"/interpolation?space={DIGITS}&a={mine['far']}&b={names[1]}&gamma=1")
    expect(value).to_have_attribute("data-gamma", "1")
    expect(said).to_have_text("Outside the zoo: anchor A.")
    page.goto(f"/interpolation?space={DIGITS}&a={names[0]}&b={names[1]}&gamma=0")
    expect(value).to_have_attribute("data-gamma", "0")
    expect(said).to_have_text("")
    assert at_rest(page) and value.bounding_box()["y"] == top


def test_a_kept_network_far_outside_is_hollow_on_both_maps(page, mine):
    page.goto(f"/latent-map?space={DIGITS}&colour=split&instance={mine['far']}")
    expect(page.get_by_test_id("selected-instance")).to_contain_text(
        re.compile(r"Outside the zoo: [\d,]+ times as far out as its training instances usually are")
    )
    names = page.request.get(f"/api/spaces/{DIGITS}").json()["instances"]
    row = names["id"].index(mine["far"])
    assert page.evaluate(SYMBOL, row) == "cross-open" and names["hollow"][row] is True
    page.goto(f"/lso?space={DIGITS}&start=map&xy=[-20,30]")
    expect(page.get_by_text(re.compile(r"The start \(the ring\): (Ins|Outs)ide the zoo"))).to_be_visible()
    page.wait_for_function(
        "document.querySelector('.lso [data-part=\"map\"]')?.data?.some((trace) => [].concat(trace.marker?.symbol ?? "
        "[]).includes('star-open'))"
    )
