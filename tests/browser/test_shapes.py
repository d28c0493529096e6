"""Shapes in a real browser: the mesh follows the thumb, the camera stays, what is taken away is what is shown."""

from __future__ import annotations

import io
import json
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import trimesh
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from engine.nets.export import formats
from engine.tasks.distances.pose import Pose
from tests.browser.hand import FOLD, choose, grab, offered, until

SPACE = "netspace-chairs"
WITHOUT_WEBGL2 = (
    "const ask = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { "
    "return kind === 'webgl2' ? null : ask.call(this, kind, ...rest); }"
)
PLACED = 240_000  # ms until a mesh is fitted and placed on a busy machine


@pytest.fixture(scope="module")
def seen(gallery_store) -> list[str]:
    """Ids of instances that the space was trained on, best predicted first."""
    table = gallery_store.open(SPACE, "netspace").table("instances.parquet")
    return table[table["split"] == "train"].sort_values("predicted_iou", ascending=False)["id"].tolist()


def root(page: Page) -> Locator:
    return page.locator(".sh")


def mesh(page: Page, which: str = "mesh") -> Locator:
    return page.get_by_test_id(which)


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="gamma")


def faces(page: Page, which: str = "mesh") -> int:
    return int(mesh(page, which).get_attribute("data-faces"))


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def show(page: Page, seen: list[str], more: str = "", resolution: int = 64) -> None:
    """Open the page on a path and wait until the fine mesh is there and measured."""
    page.goto(f"/shapes?space={SPACE}&a={seen[0]}&b={seen[1]}&resolution={resolution}{more}")
    rested(page, resolution)


def rested(page: Page, resolution: int = 64) -> None:
    """Wait until everything is said, finely, of where the thumb now is."""
    expect(root(page)).to_have_attribute("data-settled", re.compile("."))
    expect(page.locator('[data-testid="measures"][data-ready]')).to_be_visible()
    expect(mesh(page)).to_have_attribute("data-resolution", str(resolution))


def picture(page: Page, which: str = "mesh") -> np.ndarray:
    """The view as it is on the screen, uint8 [H, W, 3]."""
    return np.asarray(Image.open(io.BytesIO(mesh(page, which).screenshot())).convert("RGB")).astype(int)


def test_the_mesh_follows_the_thumb_the_camera_stays_and_the_file_is_what_is_shown(page, seen, tmp_path):
    show(page, seen)
    home = root(page).get_attribute("data-camera")
    mesh(page).hover()  # waits until it lies still
    box = mesh(page).bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 290, box["y"] + 230, steps=5)
    page.mouse.up()
    camera = root(page).get_attribute("data-camera")
    assert camera != home
    before = picture(page)

    page.evaluate("Object.assign(window.__live, {latencies: [], paints: [], inFlightMax: 0})")
    grab(slider(page))
    track = page.locator(".ip-slider").bounding_box()
    y = track["y"] + track["height"] / 2
    counts = set()
    for move in range(8):
        shown = mesh(page).get_attribute("data-gamma")
        page.mouse.move(track["x"] + (0.55 + move / 20) * track["width"], y)
        until(mesh(page), lambda: mesh(page).get_attribute("data-gamma") != shown, "it did not follow the thumb")
        counts.add((faces(page), mesh(page).get_attribute("data-resolution")))
    page.mouse.move(track["x"] + 0.8 * track["width"], y)
    expect(mesh(page)).to_have_attribute("data-gamma", "0.8")
    rested(page)
    for share in (0.81, 0.8):  # away and back at once
        page.mouse.move(track["x"] + share * track["width"], y)
    rested(page)
    assert len(counts) > 5 and {resolution for _, resolution in counts} >= {"48"}, "it did not follow the thumb"
    assert root(page).get_attribute("data-camera") == camera
    page.mouse.up()
    rested(page)
    expect(page).to_have_url(re.compile(r"gamma=0\.8(&|$)"))
    assert root(page).get_attribute("data-camera") == camera == query(page)["camera"]
    assert page.evaluate("window.__live.inFlightMax") == 1
    print(f"\n{len(page.evaluate('window.__live.paints'))} meshes were painted")
    assert np.abs(picture(page) - before).mean() > 0.5, "the picture is the same"

    assert offered(page) == formats.words()
    with page.expect_download() as download:
        page.get_by_test_id("take-glb").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.suffix == ".glb" and len(trimesh.load_mesh(path).faces) == faces(page) > 1000
    page.reload()
    rested(page)
    assert root(page).get_attribute("data-camera") == camera and mesh(page).get_attribute("data-gamma") == "0.8"


def test_anchors_are_picked_from_the_sheet_and_the_filmstrip_is_kept_as_a_picture(page, seen, tmp_path):
    show(page, seen)
    sheet = page.get_by_test_id("contact-sheet")
    cards = sheet.locator(".sh-card")
    expect(cards.first).to_be_visible()
    for letter, id_ in (("A", seen[3]), ("B", seen[4])):
        expect(page.locator('[data-sh="hint"]')).to_have_text(f"Next click sets {letter}")
        sheet.locator(f'[data-id="{id_}"]').click()
        expect(page.locator(f'[data-sh="name-{letter.lower()}"]')).to_have_text(id_)
        expect(sheet.locator(f'[data-id="{id_}"] b')).to_have_text(letter)
    expect(page).to_have_url(re.compile(f"a={seen[3]}.*b={seen[4]}|b={seen[4]}.*a={seen[3]}"))
    assert sheet.locator('.sh-card[tabindex="0"]').count() == 1, "the sheet is one stop of the Tab key"
    sheet.locator('.sh-card[tabindex="0"]').focus()
    focused = "document.activeElement.dataset.id"
    page.keyboard.press("Home")
    order = cards.evaluate_all("cards => cards.map((card) => card.dataset.id)")
    assert page.evaluate(focused) == order[0]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == order[1]
    page.keyboard.press("ArrowDown")
    assert order.index(page.evaluate(focused)) > 2
    page.keyboard.press("End")
    assert page.evaluate(focused) == order[-1]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == order[-1], "it does not run out of the sheet"
    page.keyboard.press("Enter")
    expect(page.locator('[data-sh="name-a"]')).to_have_text(order[-1])
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.dataset.sh") == "search"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == order[-1]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.do") == "swap"
    sheet.locator(f'[data-id="{seen[3]}"]').click()  # sets B
    sheet.locator(f'[data-id="{seen[3]}"]').click()  # sets A
    sheet.locator(f'[data-id="{seen[4]}"]').click()
    expect(page.locator('[data-sh="name-b"]')).to_have_text(seen[4])
    page.get_by_label("Find shapes").fill("pedestal")
    expect(page.get_by_test_id("sheet-count")).to_contain_text(f" of {len(order)} shapes")
    assert 0 < cards.count() < len(order)
    page.get_by_label("Find shapes").fill("")
    film = page.locator('[data-testid="filmstrip"][data-frames="33"]')
    expect(film).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    until(film, lambda: film.locator(".sh-strip").last.evaluate(FOLD) <= 800, "the filmstrip is below the fold")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    download.value.save_as(tmp_path / "film.png")
    film = np.asarray(Image.open(tmp_path / "film.png").convert("RGB")).astype(int)
    upper = film[100:280, 140:]
    first, last = upper[:, :250], upper[:, -280:-30]
    assert film.shape[1] > 2500 and first.std() > 10 and last.std() > 10 and np.abs(first - last).mean() > 1
    page.get_by_role("button", name="Swap").click()
    expect(page.locator('[data-sh="name-a"]')).to_have_text(seen[4])


def test_keys_turn_the_view_and_the_level_can_leave_no_surface(page, seen):
    show(page, seen, "&gamma=0")
    home = root(page).get_attribute("data-camera")
    mesh(page).focus()
    for key in ("ArrowRight", "Shift+ArrowUp", "+"):
        was = root(page).get_attribute("data-camera")
        page.keyboard.press(key)
        assert root(page).get_attribute("data-camera") != was, key
    page.keyboard.press("0")
    assert root(page).get_attribute("data-camera") == home
    slider(page).focus()
    page.keyboard.press("PageUp")
    expect(mesh(page)).to_have_attribute("data-gamma", "0.1")
    count = faces(page)
    level = page.get_by_label("iso-level")
    level.focus()
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"level=0\.2(&|$)"))
    rested(page)
    assert faces(page) != count and mesh(page).get_attribute("data-surface") == "mesh"
    page.keyboard.press("Home")
    expect(mesh(page)).to_have_attribute("data-surface", "outside")
    expect(mesh(page)).to_have_attribute("data-faces", "0")
    expect(mesh(page).get_by_role("status")).to_contain_text("No surface")
    page.get_by_role("button", name="Record").click()
    level.focus()
    page.keyboard.press("Space")  # the level plays, too
    page.wait_for_function("Number(document.querySelector('[data-sh=level]').value) > -0.1")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play the level")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Filmstrip SVG").click()
    strip = download.value.path().read_text("utf-8")
    assert "gamma 0.10, level -0.20" in strip and "no surface" not in strip and strip.count("<image") == 33


def test_one_shape_shows_prediction_target_and_the_chair_itself(page, seen, gallery_store):
    table = gallery_store.open(SPACE, "netspace").table("instances.parquet").set_index("id")
    page.goto(f"/shapes?space={SPACE}&shape=instance&instance={seen[5]}&resolution=64")
    rested(page)
    assert [mesh(page, which).get_attribute("data-path") for which in ("mesh", "mesh-weights", "mesh-original")] == [
        "embedding",
        "weights",
        "original",
    ]
    ious = page.locator('td[data-of="iou-a"]').all_inner_texts()
    assert float(ious[0]) == pytest.approx(table.loc[seen[5], "predicted_iou"], abs=0.002) and float(ious[1]) == 1.0
    page.get_by_role("button", name="Use as B").click()
    expect(page.locator('[data-sh="name-b"]')).to_have_text(seen[5])
    rested(page)


def test_without_webgl2_plotly_draws(page, seen):
    page.add_init_script(WITHOUT_WEBGL2)
    show(page, seen)
    assert root(page).get_attribute("data-renderer") == "plotly"
    expect(mesh(page).locator("canvas").first).to_be_visible()
    drawn = page.evaluate("document.querySelector('.sh-plotly').data[0].i.length")
    assert drawn == faces(page) > 1000
    slider(page).focus()
    page.keyboard.press("End")
    expect(mesh(page)).to_have_attribute("data-gamma", "1")


def test_a_strangers_mesh_is_placed_and_a_broken_one_is_named(page, seen, server):
    """An open box with a back, of nobody's making but this test's; and a file that is no mesh."""
    folder = server.workspace / "meshes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broken.obj").write_text("v 0 0 0\nv nan 1 0\nf 1 2 3\n")
    seat = trimesh.creation.box((1, 0.7, 1))
    seat.update_faces(np.arange(len(seat.faces)) > 1)  # two triangles are missing: not watertight
    chair = trimesh.util.concatenate([seat, trimesh.creation.box((1, 1, 0.25)).apply_translation((0, 0.8, -0.4))])
    tall = np.ptp(chair.vertices, axis=0).argmax()
    chair.vertices = chair.vertices @ Pose("z").matrix()  # z is up in the file
    show(page, seen, "&gamma=0.5")
    choose(page.get_by_role("combobox", name="Or choose one from the folder"), "broken.obj")
    expect(page.get_by_role("alert").filter(has_text="broken.obj")).to_be_visible(timeout=PLACED)
    page.get_by_role("button", name="Choose another file").click()
    page.locator('input[type="file"]').set_input_files(
        {"name": "armchair.ply", "mimeType": "model/ply", "buffer": trimesh.exchange.ply.export_ply(chair)}
    )
    stand = page.get_by_test_id("pose")
    expect(stand).to_have_attribute("data-pose", "y 0", timeout=PLACED)
    lying = stand.get_attribute("data-extent")
    page.get_by_role("radio", name="z", exact=True).click()
    expect(stand).to_have_attribute("data-pose", "z 0")
    extents = [float(word) for word in stand.get_attribute("data-extent").split()]
    assert np.argmax(extents) == tall and stand.get_attribute("data-extent") != lying
    page.get_by_role("button", name="Quarter turn").click()
    expect(stand).to_have_attribute("data-pose", "z 1")
    assert [float(word) for word in stand.get_attribute("data-extent").split()] == extents[::-1]
    for turn in (2, 3, 0):
        page.get_by_role("button", name="Quarter turn").click()
        expect(stand).to_have_attribute("data-pose", f"z {turn}")
    page.get_by_role("button", name="Place it").click()
    expect(page.get_by_text(re.compile("armchair.ply: (Reading|Fitting|Placing|Drawing)"))).to_be_visible(timeout=PLACED)
    expect(page.locator('.sh[data-shape="placed"]')).to_be_visible(timeout=PLACED)
    rested(page)
    assert [mesh(page, which).get_attribute("data-path") for which in ("mesh", "mesh-weights", "mesh-original")] == [
        "embedding",
        "encoded",
        "original",
    ]
    assert faces(page, "mesh-original") == len(chair.faces)
    ious = [float(text) for text in page.locator('td[data-of="iou-a"]').all_inner_texts()[:2]]
    manifest = json.loads(next(server.workspace.glob("placed-*/manifest.json")).read_text())
    assert [manifest["metrics"][name]["value"] for name in ("placed_iou", "encoded_iou")] == pytest.approx(ious, abs=0.002)
    assert manifest["metrics"]["fit_iou"]["value"] > 0.8 and ious[0] >= ious[1] - 0.02
    page.get_by_role("button", name="Use as A").first.click()
    expect(page.locator('[data-sh="name-a"]')).to_have_text("armchair.ply")
    rested(page)
    slider(page).focus()
    page.keyboard.press("Home")
    rested(page)
    first = page.locator('td[data-of="iou-a"]').first
    until(first, lambda: abs(float(first.inner_text()) - ious[0]) <= 0.002, "at gamma 0 it is not what was placed")
    page.goto(f"/latent-map?space={SPACE}&instance={manifest['id']}")
    expect(page.get_by_test_id("selected-instance")).to_contain_text("armchair.ply")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 800)])
def test_nothing_jumps_while_the_thumb_moves(page, seen, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 1000})
    show(page, seen)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    places = (
        "() => [...document.querySelectorAll('.sh-stage, .sh-table, .sh-take, .sh-film, .ip-slider')].map(e => { const r = "
        "e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].map(Math.round).join() })"
    )
    before = page.evaluate(places)
    slider(page).focus()
    for key, gamma in (("Home", "0"), ("End", "1")):
        page.keyboard.press(key)
        expect(mesh(page)).to_have_attribute("data-gamma", gamma)
        assert page.evaluate(places) == before
    rested(page)
    assert page.evaluate(places) == before


def test_other_pages_know_that_these_are_shapes(page, seen):
    page.goto(f"/interpolation?space={SPACE}")
    page.get_by_text("Open Shapes").click()
    expect(mesh(page)).to_have_attribute("data-surface", "mesh")
    page.goto(f"/latent-map?space={SPACE}&a={seen[0]}&b={seen[1]}")
    expect(page.locator('[data-testid="latent-map"][data-state="ready"]')).to_be_visible()
    expect(page.get_by_test_id("line-words")).to_contain_text("IoU")
    page.goto(f"/preps?space={SPACE}&instance={seen[0]}")
    expect(page.locator('[data-testid="prep-view"][data-state="ready"]')).to_be_visible()
    page.get_by_text("How it is measured").first.click()
    expect(page.get_by_text("the shapes overlap")).to_be_visible()
