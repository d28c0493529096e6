"""Home in a real browser, and what holds for every screen: links carry the selection, strangers are refused."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from engine.api.guard import FOREIGN
from engine.core.artifacts import Manifest, Store
from explorer import theme
from tests.browser.hand import at_rest, grab, until


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def home(page: Page, path: str = "/") -> None:
    page.goto(path)
    expect(page.get_by_text("Computing on")).to_be_visible()


def accent(page: Page) -> str:
    """Background of the way in, as '#rrggbb'."""
    rgb = page.locator(".st-key-way_in a").evaluate("element => getComputedStyle(element).backgroundColor")
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", rgb)[:3])


def test_home_in_both_themes(page):
    home(page)
    expect(page.get_by_role("button", name="Deploy")).to_have_count(0)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        look = theme.tokens(scheme)
        until(page.locator(".stApp"), lambda look=look: accent(page) == look["primaryColor"], "the accent is the other theme's")
        wanted = look["backgroundColor"]
        ground = page.locator(".stApp").evaluate("element => getComputedStyle(element).backgroundColor")
        assert ground == f"rgb({', '.join(str(int(wanted[i : i + 2], 16)) for i in (1, 3, 5))})"


def test_what_home_leads_with_can_be_dragged_and_leads_on(page):
    """The slider between two networks, the filmstrip of shapes, a finger on a phone; what was dragged is selected on the next page."""
    home(page)
    hero, accuracy = page.locator(".ip-answers"), page.get_by_test_id("live-accuracy").first
    thumb = hero.get_by_role("slider", name="gamma")
    expect(accuracy).to_have_attribute("data-gamma", "0.5")
    expect(page.get_by_test_id("test-images-weights").locator("[data-verdict='wrong']").first).to_be_visible()  # mixed weights fail here
    box = grab(thumb)
    page.mouse.move(box["x"] + 300, box["y"] + 10, steps=4)
    page.mouse.up()
    until(thumb, lambda: float(accuracy.get_attribute("data-gamma")) > 0.7, "the network did not follow the thumb")
    gamma = thumb.get_attribute("aria-valuenow")

    strip = page.locator("[data-film=embedding]")
    strip.scroll_into_view_if_needed()
    expect(page.get_by_test_id("filmstrip")).to_have_attribute("data-frames", "22")
    box = strip.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 10, steps=4)
    mesh = page.get_by_test_id("mesh")
    until(mesh, lambda: float(mesh.get_attribute("data-gamma")) < 0.15, "the mesh did not follow the strip")
    page.mouse.up()
    page.get_by_test_id("kernels-reconstructed").scroll_into_view_if_needed()
    expect(page.get_by_test_id("kernels-reconstructed")).to_have_attribute("data-prune", "0")
    assert urlsplit(page.url).query == ""

    thumb.scroll_into_view_if_needed()
    page.set_viewport_size({"width": 390, "height": 844})
    at_rest(page)
    box, finger = thumb.bounding_box(), page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, points in (("touchStart", [x]), ("touchMove", [x - 60]), ("touchMove", [x - 120]), ("touchEnd", [])):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y} for at in points]})
    until(thumb, lambda: float(thumb.get_attribute("aria-valuenow")) < float(gamma) - 0.2, "the thumb did not follow the finger")
    gamma = thumb.get_attribute("aria-valuenow")
    until(thumb, lambda: accuracy.get_attribute("data-gamma") == gamma, "the network did not follow the finger")

    page.wait_for_timeout(500)  # letting go runs the page's script, which makes the link anew
    at_rest(page).locator(".st-key-way_in a").click()
    page.wait_for_url(re.compile(r"/interpolation\?"))
    assert query(page)["space"] == "netspace-digits"  # whose networks can be measured here


def test_links_of_the_bar_carry_the_selection(page, gallery_store):
    last = gallery_store.manifests("netspace")[-1]
    page.goto(f"/preps?space={last.id}&gamma=0.25")
    bar = page.locator(".st-key-bar")
    bar.get_by_role("link", name="Interpolate").click()
    page.wait_for_url(re.compile(r"/interpolation\?"))
    assert query(page)["space"] == last.id and query(page)["gamma"] == "0.25"
    bar.get_by_role("link", name="Home").click()
    expect(page.get_by_text("Computing on")).to_be_visible()
    bar.get_by_role("link", name="Map").click()  # by way of Home, whose URL says nothing
    page.wait_for_url(re.compile(r"/latent-map\?"))
    assert query(page)["space"] == last.id


def test_the_bar_is_one_row_and_on_a_phone_a_menu(page):
    page.goto("/papers?space=netspace-chairs")
    links = page.locator(".st-key-links a")
    expect(links).to_have_count(11)
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 800})
        at_rest(page)
        boxes = [link.bounding_box() for link in links.all()]
        assert len({round(box["y"]) for box in boxes}) == 1 and boxes[-1]["x"] + boxes[-1]["width"] <= width
        assert all(one["x"] + one["width"] <= other["x"] for one, other in zip(boxes, boxes[1:]))
    page.set_viewport_size({"width": 390, "height": 800})
    expect(links.first).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="LSO").click()
    page.wait_for_url(re.compile(r"/lso\?.*space=netspace-chairs"))
    expect(page.get_by_text("Improve a network by walking through the space.")).to_be_visible()


def test_a_word_is_explained_where_it_stands(page):
    page.goto("/papers")
    told, link = page.get_by_test_id("word"), page.locator(".st-key-links").get_by_role("link", name="NeRN")
    expect(told).to_be_hidden()
    at_rest(page)
    link.hover()
    expect(told).to_contain_text("NeRN: a predictor that stores the kernels of one network")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.locator(".st-key-links").get_by_role("link", name="Papers").hover()  # no word of the glossary
    page.wait_for_timeout(500)
    expect(told).to_be_hidden()
    page.locator(".st-key-links").get_by_role("link", name="Properties").focus()
    page.keyboard.press("Tab")
    expect(told).to_contain_text("NeRN: ")
    page.wait_for_function("CSS.highlights.get('glossary')?.size > 3")


def test_a_broken_artifact_is_named_and_the_way_in_stays(page, server):
    folder = Path(server.workspace) / "torn"
    folder.mkdir()
    try:
        (folder / "manifest.json").write_text("{")
        home(page)
        expect(page.get_by_role("alert").filter(has_text="torn")).to_be_visible()
        expect(page.locator(".st-key-way_in a")).to_be_visible()
    finally:
        (folder / "manifest.json").unlink()
        folder.rmdir()


def test_an_artifact_made_meanwhile_is_there(page, server):
    """The running app sees what is written beside it."""
    store = Store(server.workspace)
    space = Manifest(
        "zz-made-meanwhile", "netspace", "Made meanwhile", "", "netspace-digits", {}, task="images", config_type="NetSpaceConfig"
    )
    artifact = store.write(space, {"weights.safetensors": {"x": np.zeros(1, "float32")}})
    try:
        home(page)
        expect(page.get_by_role("heading", name="Made meanwhile")).to_be_visible()
    finally:
        for path in artifact.folder.iterdir():
            path.unlink()
        artifact.folder.rmdir()


@pytest.mark.parametrize("path", ["/", "/interpolation", "/_stcore/health", "/api/health"])
def test_a_foreign_host_is_refused_with_a_reason(server, path):
    answer = httpx.get(server.url + path, headers={"Host": "evil.example"})
    assert answer.status_code == 403 and "EXPLORER_ALLOWED_HOSTS" in answer.json()["error"]
    assert httpx.get(server.url + path).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"), [("127.0.0.1", "http://evil.example"), ("evil.example", None), ("evil.example", "http://evil.example")]
)
def test_a_stranger_cannot_open_streamlits_socket(server, host, origin):
    port = urlsplit(server.url).port
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", origin=server.url) as ours, pytest.raises(TimeoutError):
        ours.recv(timeout=0.5)  # open, and waiting for us to speak
    plain = socket.create_connection(("127.0.0.1", port))  # the name in the Host header, whatever it resolves to
    with connect(f"ws://{host}:{port}/_stcore/stream", sock=plain, origin=origin) as theirs, pytest.raises(ConnectionClosed) as closed:
        theirs.recv(timeout=5)
    assert closed.value.rcvd.code == FOREIGN
