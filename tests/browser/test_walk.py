"""Walking without dragging: clicks on the curve, steps taken back, play, and films of what was played or dragged."""

from __future__ import annotations

import re

from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_interpolation import SPACE, anchors, query, settled, show, slider  # noqa: F401 - a fixture


def test_a_click_on_the_curve_moves_the_thumb_and_is_taken_back_by_its_keys(page, anchors):  # noqa: F811
    show(page, anchors, 0.25, done=True)
    plot = page.locator(".ip-plot .nsewdrag").first.bounding_box()
    page.mouse.click(plot["x"] + plot["width"] * 0.81 / 1.02, plot["y"] + plot["height"] / 2)  # the axis goes from -0.01 to 1.01
    expect(page).to_have_url(re.compile(r"gamma=0\.(79|80|8$|8&)"))
    clicked = query(page)["gamma"]
    settled(page, float(clicked))
    page.get_by_role("button", name="Swap").click()
    settled(page, round(1 - float(clicked), 3))
    for keys, gamma in (("Control+z", clicked), ("Control+z", "0.25"), ("Control+Shift+z", clicked), ("Control+z", "0.25")):
        page.keyboard.press(keys)
        expect(page).to_have_url(re.compile(rf"gamma={re.escape(gamma)}(&|$)"))
        settled(page, float(gamma))
        assert (query(page)["a"], query(page)["b"]) == anchors
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Nothing to take back on this page.")).to_be_visible()
    box = page.get_by_role("combobox", name="Anchor B")
    box.focus()
    page.keyboard.press("Control+Shift+z")  # in a field the keys are the field's
    page.wait_for_timeout(300)
    assert query(page)["gamma"] == "0.25"


def test_a_walk_is_played_and_what_was_played_or_dragged_is_a_film(page, anchors, tmp_path):  # noqa: F811
    show(page, anchors, 0)
    slider(page).focus()
    page.get_by_role("button", name="Record").click()
    page.keyboard.press("Tab")
    slider(page).focus()
    page.keyboard.press("Space")
    page.wait_for_function("Number(document.querySelector('.ip-thumb').getAttribute('aria-valuenow')) > 0.2")
    page.keyboard.press("Space")
    here = float(slider(page).get_attribute("aria-valuenow"))
    assert 0.2 < here < 1
    settled(page, here)
    expect(page).to_have_url(re.compile(rf"gamma={here:g}(&|$)"))  # at rest the page follows
    page.get_by_role("button", name="Stop").click()
    film = page.get_by_test_id("film")
    expect(film).to_contain_text("Recorded")
    for name in ("GIF", "Filmstrip SVG"):
        with page.expect_download() as download:
            film.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    gif = Image.open(tmp_path / f"{SPACE}-{anchors[0]}-{anchors[1]}.gif")
    assert gif.n_frames > 5
    strip = (tmp_path / f"{SPACE}-{anchors[0]}-{anchors[1]}.svg").read_text("utf-8")
    assert all(each in strip for each in (*anchors, "played", f">{here:.2f}<"))
    speed, loop = page.get_by_label("Speed"), page.get_by_role("button", name="Loop")
    speed.select_option("4")
    loop.click()
    page.get_by_role("button", name="Record").click()
    expect(film).to_be_hidden()
    page.get_by_role("button", name="Play").click()
    for wanted in ("> 0.8", "< 0.3", "> 0.5"):  # there and back, on and on
        page.wait_for_function(f"Number(document.querySelector('.ip-thumb').getAttribute('aria-valuenow')) {wanted}")
    track = page.locator(".ip-slider").bounding_box()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    page.mouse.down()  # a hand takes the thumb from the clock
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.mouse.up()
    page.get_by_role("button", name="Stop").click()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/film?" in request.url else None)
    film.get_by_role("button", name="MP4").click()
    film.get_by_role("button", name="Cancel").click()
    expect(film).to_contain_text("Cancelled")
    assert "played=0" in asked[0], "a hand had a part in it"
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name="Stop").click()
    expect(film).to_contain_text("Nothing moved")
