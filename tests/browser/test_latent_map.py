"""The latent map in a real browser: anchors by click and by keyboard, the line, selection, search, neighbours, 3D."""

from __future__ import annotations

import csv
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

SPACE = "netspace-digits"
WAIT = 60_000  # a loaded machine

# Where a row's point is on the screen, in pixels.
PLACE = "([row]) => document.querySelector('.lm').latentMap.points().find((point) => point.row === row).at"
# Rows whose points no other lies near (within 5 pixels).
FREE = """() => {
  const points = document.querySelector('.lm').latentMap.points();
  const alone = ({ row, at: [x, y] }) => points.every((each) => each.row === row || Math.hypot(each.at[0] - x, each.at[1] - y) > 5);
  return points.filter(alone).map((point) => point.row);
}"""


def open_map(page: Page, query: str = "") -> Page:
    page.goto(f"/latent-map?space={SPACE}{query}")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-state", "ready", timeout=WAIT)
    return page


def ids(page: Page) -> list[str]:
    return page.request.get(f"/api/spaces/{SPACE}").json()["instances"]["id"]


def in_url(page: Page, name: str) -> str | None:
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def wait_in_url(page: Page, **values: str | None) -> None:
    page.wait_for_function(
        "(wanted) => Object.entries(wanted).every(([name, value]) => new URL(location).searchParams.get(name) === value)",
        arg=values,
        timeout=WAIT,
    )


def two_points(page: Page) -> list[tuple[int, tuple[float, float]]]:
    free = page.evaluate(FREE)
    assert len(free) > 1
    return [(row, tuple(page.evaluate(PLACE, [row]))) for row in (free[0], free[-1])]


def click(page: Page, at: tuple[float, float], says: str) -> None:
    """As a hand does: come, rest until the card of what is there is shown, press."""
    page.mouse.move(at[0] - 30, at[1] - 30)
    page.mouse.move(*at, steps=3)
    expect(page.get_by_test_id("hover-card")).to_contain_text(says)
    page.mouse.click(*at)

PACED = """async ([late, count]) => {
  const { plot } = document.querySelector('.lm').latentMap, { most } = plot;
  plot.pace(performance.now() - late, count);
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const found = plot.most;
  plot.most = most;
  return found;
}"""


def test_two_clicks_set_the_anchors_and_draw_the_measured_line(page):
    open_map(page)
    names, ((first, at_a), (second, at_b)) = ids(page), two_points(page)
    hint = page.get_by_test_id("next-click")
    expect(hint).to_have_text("Click a point to inspect it")
    click(page, at_a, names[first])
    expect(hint).to_have_text("Click it again, or press A, to set anchor A")
    wait_in_url(page, instance=names[first], a=None)  # looking changes nothing
    click(page, at_a, names[first])
    expect(hint).to_have_text("Click another point to inspect it")
    wait_in_url(page, a=names[first], b=None)
    click(page, at_b, names[second])
    expect(hint).to_have_text("Click it again, or press B, to set anchor B")
    page.keyboard.press("b")
    expect(hint).to_have_text("Click it again, or press A, to start again at A")
    wait_in_url(page, a=names[first], b=names[second])
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-line", "21", timeout=WAIT)
    expect(page.get_by_test_id("line-words")).to_contain_text("21 decoded networks, each on 360 test images")
    drawn = page.evaluate("document.querySelector('.lm').latentMap.line().values")
    table = page.request.get(f"/api/spaces/{SPACE}").json()["instances"]["predicted_test_accuracy"]
    assert abs(drawn[0] - table[first]) < 0.005 and abs(drawn[-1] - table[second]) < 0.005
    left, top = page.evaluate("(({ left, top }) => [left, top])(document.querySelector('.lm [data-part=over]').getBoundingClientRect())")
    ends = page.evaluate("document.querySelector('.lm').latentMap.walkedAt()")
    for row, (x, y, *_) in ((first, ends[0]), (second, ends[-1])):
        assert page.evaluate(PLACE, [row]) == pytest.approx([left + x, top + y], abs=0.01), "a line's end beside its anchor"
    for _ in range(2):  # starts again
        click(page, at_a, names[first])
    wait_in_url(page, a=names[first], b=None)
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-line", "0")


RANGE = "(document.querySelector('.lm')?.latentMap?.box() ?? [NaN])"
CAMERA = "document.querySelector('.lm').latentMap.camera()"


def test_the_view_stays_when_the_anchors_change(page):
    open_map(page)
    names, ((first, at), _) = ids(page), two_points(page)
    page.get_by_test_id("latent-map").locator('[data-part="stage"]').hover()  # waits until it lies still
    stage = page.get_by_test_id("latent-map").locator('[data-part="stage"]').bounding_box()
    read = f"({RANGE}).slice(0, 2)"
    whole = page.evaluate(read)
    page.mouse.move(stage["x"] + 300, stage["y"] + 300)
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"(whole) => {{ const [low, high] = {read}; return high - low < 0.95 * whole; }}", arg=whole[1] - whole[0])
    zoomed = page.evaluate(read)
    while (later := (page.wait_for_timeout(800), page.evaluate(read))[1]) != zoomed:  # until the wheel has come to rest
        zoomed = later
    search = page.get_by_label("Find an instance by id")
    search.fill(names[first])
    search.press("Enter")
    page.get_by_role("button", name="Set as A").click()
    wait_in_url(page, a=names[first], instance=names[first])
    assert page.evaluate(read) == pytest.approx(zoomed)


def stage(page: Page):
    return page.get_by_test_id("latent-map").locator('[data-part="stage"]')


def test_the_range_belongs_to_the_view_and_to_the_link(page):
    open_map(page)
    stage(page).hover()
    box, whole = stage(page).bounding_box(), page.evaluate(RANGE)
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.wheel(0, -300)
    page.wait_for_function("new URL(location).searchParams.has('range')", timeout=WAIT)
    zoomed = page.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] < 0.95 * (whole[1] - whole[0])
    for name in ("Box", "Lasso", "Pan"):
        page.get_by_role("button", name=name, exact=True).click()
        assert page.evaluate(RANGE) == pytest.approx(zoomed)
    page.get_by_label("Colour").select_option("split")
    wait_in_url(page, colour="split")
    assert page.evaluate(RANGE) == pytest.approx(zoomed)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "getComputedStyle(document.querySelector('.lm')).getPropertyValue('--st-background-color').trim() === '#14171a'", timeout=WAIT
    )
    page.wait_for_function(f"(was) => {RANGE}.every((now, i) => Math.abs(now - was[i]) < 1e-4)", arg=zoomed, timeout=WAIT)
    page.set_viewport_size({"width": 1000, "height": 800})  # shows more on one side, and the same again in the old size
    page.wait_for_function(f"(was) => {RANGE}.some((now, i) => Math.abs(now - was[i]) > 0.5)", arg=zoomed, timeout=WAIT)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function(f"(was) => {RANGE}.every((now, i) => Math.abs(now - was[i]) < 1e-4)", arg=zoomed, timeout=WAIT)
    page.reload()
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-state", "ready", timeout=WAIT)
    page.wait_for_function(f"(was) => {RANGE}.every((now, i) => Math.abs(now - was[i]) < 1e-4)", arg=zoomed, timeout=WAIT)
    page.get_by_role("button", name="Reset").click()
    wait_in_url(page, range=None)
    page.wait_for_function(f"(was) => {RANGE}.every((now, i) => Math.abs(now - was[i]) < 1e-4)", arg=whole, timeout=WAIT)


@pytest.mark.parametrize("text", ("1_2_3", "a_b_c_d", "nan_1_2_3", "1e300_2e300_0_1"))
def test_a_range_that_cannot_be_used_is_told(page, text):
    open_map(page, f"&range={text}")
    expect(page.get_by_text("The link's range")).to_be_visible()
    wait_in_url(page, range=None)


def over_a_point(page: Page) -> tuple[float, float]:
    """A place in the solid picture where the card of a point is shown, found as a hand does: by moving over it."""
    box = stage(page).bounding_box()
    for down in range(60, int(box["height"]) - 40, 9):
        for right in range(40, int(box["width"]) - 40, 11):
            page.mouse.move(box["x"] + right, box["y"] + down)
            if page.evaluate("!document.querySelector('.lm [data-part=card]').hidden"):
                page.wait_for_timeout(250)  # the picture is drawn a moment behind the hand
                if page.evaluate("!document.querySelector('.lm [data-part=card]').hidden"):
                    return box["x"] + right, box["y"] + down
    raise AssertionError("no point was found in the solid picture")


def test_in_3d_a_drag_turns_the_view_and_a_click_picks(page):
    open_map(page, "&dims=3")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-dims", "3")
    stage(page).hover()
    before = page.evaluate(CAMERA)
    x, y = over_a_point(page)
    page.mouse.down()
    page.wait_for_timeout(200)  # frames pass while the button is down
    page.mouse.move(x + 120, y + 60, steps=6)
    page.mouse.move(x, y, steps=6)
    page.mouse.move(x + 90, y + 40, steps=6)
    page.mouse.up()
    page.wait_for_function("new URL(location).searchParams.has('eye')", timeout=WAIT)
    turned = page.evaluate(CAMERA)
    assert max(abs(now - was) for now, was in zip(turned, before)) > 0.1
    expect(page.get_by_test_id("selected-instance")).to_be_hidden()
    x, y = over_a_point(page)
    named = page.get_by_test_id("hover-card").locator("h4").inner_text()
    page.mouse.down()
    page.wait_for_timeout(200)
    page.mouse.up()
    expect(page.get_by_test_id("selected-instance")).to_contain_text(named)
    expect(page.get_by_test_id("next-click")).to_have_text("Click it again, or press A, to set anchor A")  # one pick, not one a frame
    wait_in_url(page, instance=named, a=None)
    assert page.evaluate(CAMERA) == pytest.approx(turned, abs=1e-4)
    page.reload()
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-state", "ready", timeout=WAIT)
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-dims", "3")
    assert page.evaluate(CAMERA) == pytest.approx(turned, abs=1e-3)
    # The graphics context is lost: another canvas takes over, seen from the same place.
    canvas = ".lm canvas[data-part=points]"
    page.evaluate(f"document.querySelector('{canvas}').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
    page.wait_for_function(f"document.querySelector('{canvas}').getContext('webgl2').isContextLost() === false", timeout=WAIT)
    over_a_point(page)
    assert page.evaluate(CAMERA) == pytest.approx(turned, abs=1e-3)
    expect(page.locator(".stopped")).to_have_count(0)


def test_in_2d_a_drag_moves_the_map_and_picks_nothing(page):
    open_map(page)
    names, ((row, at), _) = ids(page), two_points(page)
    before = page.evaluate(RANGE)
    for steps in ((5, 3), (70, 40)):  # a little more than a shaking hand; and far
        x, y = page.evaluate(PLACE, [row])
        page.mouse.move(x - 30, y - 30)
        page.mouse.move(x, y, steps=3)
        expect(page.get_by_test_id("hover-card")).to_contain_text(names[row])
        page.mouse.down()
        page.mouse.move(x + steps[0], y + steps[1], steps=4)
        page.mouse.up()
    page.wait_for_function("new URL(location).searchParams.has('range')", timeout=WAIT)
    assert page.evaluate(RANGE) != pytest.approx(before)
    expect(page.get_by_test_id("selected-instance")).to_be_hidden()
    # After a frame that took long half as many points are drawn while a hand moves, after a short one more, and some at least.
    assert [page.evaluate(PACED, each) for each in ([1000, 8000], [-1000, 8000], [1000, 1200])] == [4000, 12000, 1000]


@pytest.mark.parametrize(
    ("query", "words"),
    (
        ("", ("LeNetLike on Digits", "test accuracy", "Test accuracy", "0%", "100%")),
        ("&colour=split", ("LeNetLike on Digits", "Split", "train", "val", "test")),
        ("&colour=steps&dims=3", ("training length", "Training length in steps (log)")),
    ),
)
def test_the_saved_picture_says_what_it_shows(page, query, words, tmp_path):
    open_map(page, query)
    if "dims" in query:
        expect(page.get_by_test_id("latent-map")).to_have_attribute("data-dims", "3")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    download.value.save_as(tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text("utf-8")
    assert all(word in text for word in words), [word for word in words if word not in text]
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    download.value.save_as(tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes()[1:4] == b"PNG" and download.value.suggested_filename.startswith(f"{SPACE}-map-")


def test_hovering_shows_a_card_with_a_picture(page):
    open_map(page)
    names, ((row, at), _) = ids(page), two_points(page)
    page.mouse.move(at[0] - 40, at[1] - 40)
    page.mouse.move(*at)
    card = page.get_by_test_id("hover-card")
    expect(card).to_be_visible()
    expect(card).to_contain_text(names[row])
    for word in ("accuracy, trained", "accuracy, predicted by the space", "split", "steps"):
        expect(card).to_contain_text(word)
    colours = (
        "(canvas) => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert card.locator("canvas").evaluate(colours) > 5


def test_a_box_and_a_lasso_fill_the_table_and_the_csv(page, tmp_path):
    open_map(page)
    page.get_by_role("button", name="Box").click()
    page.get_by_test_id("latent-map").locator('[data-part="stage"]').hover()  # waits until it lies still
    box = page.get_by_test_id("latent-map").locator('[data-part="stage"]').bounding_box()
    left, top, right, bottom = box["x"] + 5, box["y"] + 5, box["x"] + box["width"] - 5, box["y"] + box["height"] / 2
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=5)
    page.mouse.up()
    root = page.get_by_test_id("latent-map")
    expect(root).not_to_have_attribute("data-selected", "0")
    count = int(root.get_attribute("data-selected"))
    assert 0 < count < len(ids(page))
    expect(page.get_by_role("heading", name=f"Selection ({count})")).to_be_visible(timeout=WAIT)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert len(rows) == count and set(row["instance"] for row in rows) < set(ids(page)) and "test accuracy" in rows[0]
    page.get_by_role("button", name="Lasso").click()
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, box["y"] + box["height"] - 5), (left, box["y"] + box["height"] - 5), (left, top)):
        page.mouse.move(x, y, steps=8)
        page.wait_for_timeout(150)  # the browser merges moves within a frame: let each corner be seen
    page.mouse.up()
    everything = len(ids(page))
    expect(page.get_by_test_id("selected-count")).to_have_text(f"{everything} selected")
    expect(page.get_by_role("heading", name=f"Selection ({everything})")).to_be_visible(timeout=WAIT)
    page.get_by_test_id("latent-map").locator('[data-do="unselect"]').click()
    expect(page.get_by_text("Choose Box or Lasso above the map")).to_be_visible(timeout=WAIT)


def test_search_neighbours_and_anchors_by_keyboard(page):
    open_map(page)
    names = ids(page)
    search = page.get_by_label("Find an instance by id")
    search.fill("no such network")
    search.press("Enter")
    expect(page.get_by_text("Nothing has")).to_be_visible()
    search.fill(names[5][-4:])
    search.press("Enter")
    wait_in_url(page, instance=names[5])
    expect(page.get_by_test_id("selected-instance")).to_contain_text(names[5])
    rows = page.get_by_test_id("neighbours").get_by_role("button")
    expect(rows).to_have_count(6, timeout=WAIT)
    distances = [float(text.split("\n")[-1].split()[-1]) for text in rows.all_inner_texts()]
    assert distances == sorted(distances) and distances[0] > 0
    row = rows.first.element_handle()
    page.get_by_role("button", name="Set as A").press("Enter")
    wait_in_url(page, a=names[5])
    assert row.evaluate("row => row.isConnected"), "a press that was on its way to this button is lost"
    expect(page.get_by_role("button", name="Set as A")).to_be_disabled()
    expect(page.get_by_role("button", name="Set as A")).to_be_focused()  # Tab goes on from here
    rows.first.press("Enter")
    expect(page.get_by_test_id("selected-instance")).not_to_contain_text(names[5])
    page.get_by_role("button", name="Set as B").press("Enter")
    page.wait_for_function("new URL(location).searchParams.get('b')", timeout=WAIT)
    assert in_url(page, "a") == names[5] != in_url(page, "b")
    page.locator('.lm [data-part="stage"]').focus()
    before, seen = in_url(page, "instance"), set()
    for key in ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
        seen.add(page.get_by_test_id("selected-instance").locator("h4").inner_text())
    assert seen - {before} and seen <= set(names)


def test_three_dimensions_colours_and_the_way_to_interpolation(page):
    names = ids(open_map(page))
    open_map(page, f"&a={names[2]}&b={names[-2]}")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-line", "21", timeout=WAIT)
    page.get_by_role("button", name="3D").click()
    wait_in_url(page, dims="3")
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-dims", "3")
    expect(page.locator(".lm [data-mark=walls], .lm [data-mark=line]")).to_have_count(2)
    expect(page.get_by_role("button", name="Lasso")).to_be_disabled()
    page.get_by_role("button", name="2D").click()
    for colour in ("predicted", "steps", "architecture", "split"):
        page.get_by_label("Colour").select_option(colour)
        wait_in_url(page, colour=colour, dims="2")
    symbols = "new Set(document.querySelector('.lm').latentMap.points().map((point) => point.symbol)).size"
    splits = page.evaluate(
        "fetch('/api/spaces/netspace-digits').then((r) => r.json()).then((space) => new Set(space.instances.split).size)"
    )
    assert splits >= 3  # and one more where another test has kept a network
    assert page.evaluate(symbols) == splits  # never colour alone
    legend = page.get_by_test_id("latent-map").get_by_role("button", name="val")
    legend.click()
    expect(legend).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(symbols) == splits - 1
    page.get_by_test_id("latent-map").get_by_role("link", name="Interpolate").click()
    page.wait_for_url("**/interpolation?**", timeout=WAIT)
    wait_in_url(page, a=names[2], b=names[-2])


def test_an_unknown_anchor_gives_a_message_and_the_map_works(page):
    open_map(page, "&a=nobody")
    expect(page.get_by_text("There is no instance")).to_be_visible()


IN_PARTS = """async () => {
  const { plot } = document.querySelector('.lm').latentMap, { most, shown, points } = plot, drawn = [];
  const whole = plot.image();
  plot.points = (from, count) => { drawn.push([from, count]); points.call(plot, from, count); };
  const parts = await new Promise((done) => {
    plot.shown = () => done(plot.canvas.toDataURL());
    plot.most = 7;
    plot.whole();
  });
  delete plot.points;
  Object.assign(plot, { shown, most });
  plot.invalidate();
  return { same: parts === whole, drawn, all: plot.drawing.order.length };
}"""


@pytest.mark.parametrize("view", ["", "&dims=3"])
def test_points_that_are_drawn_in_parts_are_the_picture_drawn_at_once(page, view):
    found = open_map(page, view).evaluate(IN_PARTS)
    assert found["same"] and len(found["drawn"]) > 1
    assert sum(count for _, count in found["drawn"]) == found["all"] == sum(found["drawn"][-1])
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-drawn", str(found["all"]), timeout=WAIT)
