"""Interpolation in a real browser: what the slider shows is what the engine measures, and nothing queues up behind it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from statistics import quantiles
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors import safe_open

from engine.archs import architecture
from engine.nets.export import formats
from tests.browser.conftest import ROOT, start, stop
from tests.browser.hand import grab, offered, until

SPACE = "netspace-digits"


@pytest.fixture(scope="module")
def anchors(host) -> tuple[str, str]:
    """A poor and a good instance: between them the figure moves."""
    ranked = host.space(SPACE).table.sort_values("test_accuracy", kind="stable")["id"].tolist()
    return ranked[len(ranked) // 10], ranked[-1]


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="gamma")


def live(page: Page) -> Locator:
    return page.get_by_test_id("live-accuracy")


def settled(page: Page, gamma: float) -> None:
    """Wait until the live figure is of that gamma."""
    expect(live(page)).to_have_attribute("data-gamma", f"{gamma:g}")


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def show(page: Page, anchors: tuple[str, str], gamma: float = 0.5, done: bool = False) -> None:
    """Open the screen and wait for the first figure; `done`: for the whole curve too."""
    page.goto(f"/interpolation?space={SPACE}&a={anchors[0]}&b={anchors[1]}&gamma={gamma:g}")
    settled(page, gamma)
    expect(page.get_by_test_id("test-images").locator("canvas").last).to_be_visible()
    if done:
        expect(page.locator('.ip[data-curve="done"]')).to_be_visible()


def command_line(anchors: tuple[str, str], gamma: str) -> dict:
    """What `python -m engine interpolate` says of that gamma."""
    command = [sys.executable, "-m", "engine", "interpolate", SPACE, *anchors, "--gamma", gamma, "--json", "--device", "cpu"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["accuracy"]


def agrees(page: Page, anchors: tuple[str, str]) -> None:
    """The live figure is that of the command line, to the last digit shown and below."""
    shown = live(page)
    wanted = command_line(anchors, shown.get_attribute("data-gamma"))
    assert float(shown.get_attribute("data-value")) == pytest.approx(wanted["value"], abs=1e-12)
    assert int(shown.get_attribute("data-images")) == wanted["n"]
    assert shown.inner_text() == f"{100 * wanted['value']:.1f}\u202f%"
    assert page.locator('[data-ip="interval"]').inner_text() == f"{100 * wanted['low']:.1f} to {100 * wanted['high']:.1f}\u202f%"


def drag(page: Page, sweeps: int = 4, moves: int = 60) -> None:
    """Press the thumb, sweep over the whole track and back, release at 0.3 of it."""
    grab(slider(page))
    track = page.locator(".ip-slider").bounding_box()
    y = track["y"] + track["height"] / 2
    for sweep in range(sweeps):
        for move in range(moves + 1):
            share = move / moves if sweep % 2 else 1 - move / moves
            page.mouse.move(track["x"] + share * track["width"], y)
            page.wait_for_timeout(8)
    page.mouse.move(track["x"] + 0.3 * track["width"], y)
    page.mouse.up()


def test_dragged_with_the_mouse_it_answers_at_once_and_agrees_with_the_command_line(page, anchors):
    show(page, anchors, done=True)
    page.evaluate("Object.assign(window.__live, {latencies: [], paints: [], inFlightMax: 0})")
    drag(page)
    expect(slider(page)).to_have_attribute("aria-valuenow", "0.3")
    settled(page, 0.3)
    expect(page).to_have_url(re.compile(r"gamma=0\.3(&|$)"))
    stats = page.evaluate("window.__live")
    latencies, paints = stats["latencies"], stats["paints"]
    rate = (len(paints) - 1) / (paints[-1] - paints[0]) * 1000
    print(
        f"\ninput to painted figure: median {sorted(latencies)[len(latencies) // 2]:.1f} ms, p95 {quantiles(latencies, n=20)[-1]:.1f} ms; "
        f"{rate:.0f} updates a second; {len(paints)} figures; in flight at most {stats['inFlightMax']}"
    )
    assert len(paints) > 20, "it did not follow the thumb"
    assert stats["inFlightMax"] == 1
    agrees(page, anchors)


def test_the_keyboard_alone_moves_it(page, anchors):
    show(page, anchors)
    slider(page).focus()
    for key, gamma in [
        ("Home", 0),
        ("ArrowLeft", 0),
        ("End", 1),
        ("PageDown", 0.9),
        ("ArrowDown", 0.89),
        ("ArrowRight", 0.9),
        ("Shift+ArrowLeft", 0.899),
        ("PageUp", 0.999),
        ("PageUp", 1),
        ("Home", 0),
        ("PageUp", 0.1),
        ("ArrowUp", 0.11),
    ]:
        page.keyboard.press(key)
        expect(slider(page)).to_have_attribute("aria-valuenow", f"{gamma:g}")
    settled(page, 0.11)
    expect(page).to_have_url(re.compile(r"gamma=0\.11(&|$)"))
    expect(slider(page)).to_have_attribute("aria-valuenow", "0.11")
    expect(slider(page)).to_be_focused()
    assert live(page).inner_text() in slider(page).get_attribute("aria-valuetext")
    agrees(page, anchors)


def test_every_figure_is_the_engines(page, anchors, host, tmp_path):
    """Answers under the images, bars of the classes, both anchors, and the curve's numbers on each path."""
    show(page, anchors, 0.25, done=True)
    step = host.step(SPACE, *anchors, 0.25, images="all")
    names = host.space(SPACE).images.classes
    cells = page.locator(".ip-cell").all()
    assert 30 <= len(cells) <= 40
    for cell in cells:
        at = int(re.match(r"test image (\d+)", cell.get_attribute("title"))[1])
        right = step.answers[at] == step.labels[at]
        assert cell.inner_text().strip() == f"{names[step.answers[at]]} {'✓' if right else '✗'}"
        assert cell.get_attribute("data-verdict") == ("right" if right else "wrong")
    columns = page.locator(".ip-class").all()
    assert [int(column.get_attribute("data-right")) for column in columns] == [each["right"] for each in step.per_class]
    assert [column.locator(".ip-class-name").inner_text() for column in columns] == list(names)
    for name, gamma in (("figure-a", 0.0), ("figure-b", 1.0)):
        target = host.step(SPACE, *anchors, gamma, "weights", images="all").accuracy
        assert page.locator(f'[data-ip="{name}"]').inner_text() == f"{100 * target:.1f}\u202f%"
        decoded = host.step(SPACE, *anchors, gamma, images="all").accuracy  # another network, and said to be
        expect(page.locator(f'[data-ip="{name.replace("figure", "predicted")}"]')).to_have_text(f"{100 * decoded:.1f}\u202f%")
        expect(page.locator(".ip-ends")).to_contain_text(
            f"trained {100 * target:.1f}\u202f% · predicted by the space {100 * decoded:.1f}\u202f%"
        )
    aligned = page.get_by_test_id("live-aligned")
    before = aligned.inner_text()
    page.get_by_test_id("way").select_option("aligned-repaired")
    wanted = host.step(SPACE, *anchors, 0.25, "aligned-repaired", images="all").accuracy
    expect(aligned).to_have_text(f"{100 * wanted:.1f}\u202f%")
    assert aligned.inner_text() != before
    expect(page.locator('.ip[data-curve="done"]')).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "curve.csv")
    rows = list(csv.DictReader((tmp_path / "curve.csv").open()))
    expect(page).to_have_url(re.compile(r"way=aligned-repaired(&|$)"))
    assert len(rows) == 3 * 41 and {row["path"] for row in rows} == {"embedding", "weights", "aligned-repaired"}
    for row in rows[::9]:
        wanted = host.step(SPACE, *anchors, float(row["gamma"]), row["path"])
        assert float(row["accuracy"]) == pytest.approx(wanted.accuracy) and int(row["images"]) == wanted.n
        assert (float(row["low_95"]), float(row["high_95"])) == pytest.approx((wanted.low, wanted.high))


def test_the_predicted_prep_follows_the_thumb_and_the_targets_stay(page, anchors):
    show(page, anchors, 0.2, done=True)
    pictures = {name: page.get_by_test_id(name) for name in ("prep-target", "prep-predicted", "prep-target-b")}
    read = lambda: {name: canvas.evaluate("canvas => canvas.toDataURL()") for name, canvas in pictures.items()}  # noqa: E731
    before = read()
    assert len(set(before.values())) == 3
    assert pictures["prep-predicted"].evaluate("canvas => [canvas.width, canvas.height]") == [424, 8]
    slider(page).focus()
    page.keyboard.press("End")
    settled(page, 1)
    after = read()
    assert after["prep-predicted"] != before["prep-predicted"]
    assert (after["prep-target"], after["prep-target-b"]) == (before["prep-target"], before["prep-target-b"])


def test_a_reload_keeps_the_view(page, anchors):
    show(page, anchors)
    drag(page, sweeps=1, moves=10)
    settled(page, 0.3)
    expect(page).to_have_url(re.compile(r"gamma=0\.3(&|$)"))
    figure, view = live(page).inner_text(), query(page)
    page.reload()
    settled(page, 0.3)
    expect(live(page)).to_have_text(figure)
    assert query(page) == view and (view["a"], view["b"]) == anchors


def pick_by_keys(page, host, back: str) -> None:
    """Another anchor B, searched by its columns, and the one that was there again, by its id."""
    table = host.space(SPACE).table
    wanted = table["id"][(table["split"] == "test") & (table["test_accuracy"] > 0.9)].tolist()
    box, options = page.get_by_role("combobox", name="Anchor B"), page.get_by_role("listbox").get_by_role("option")
    box.focus()
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options).to_have_count(50)
    box.press_sequentially("split:test accuracy>0.9")
    expect(options).to_have_count(min(50, len(wanted)))
    expect(options.nth(1)).to_contain_text(wanted[1])
    expect(options.nth(1)).to_contain_text("held out")
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_value(back)
    box.press_sequentially("accuracy>0.9 split:test")
    expect(options.nth(0)).to_contain_text(wanted[0])
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"b={wanted[1]}"))
    box.press_sequentially(back)
    expect(options).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"b={back}"))


def test_swap_keeps_the_network_and_random_draws_another_pair(page, anchors, host):
    show(page, anchors, 0.2)
    figure = live(page).get_attribute("data-value")
    page.get_by_role("button", name="Swap").click()
    settled(page, 0.8)
    expect(page).to_have_url(re.compile(r"gamma=0\.8(&|$)"))
    assert (query(page)["a"], query(page)["b"]) == anchors[::-1]
    assert float(live(page).get_attribute("data-value")) == pytest.approx(float(figure), abs=0.01)
    pick_by_keys(page, host, back=anchors[0])
    for name in ("Random pair", "Poor to good", "Good to good"):
        before, search = query(page), page.evaluate("location.search")  # read before the click, which a quick server answers at once
        page.get_by_role("button", name=name).click()
        page.wait_for_function("old => location.search !== old", arg=search)
        now = query(page)
        assert now["a"] != now["b"] and (now["a"], now["b"]) != (before["a"], before["b"])
        expect(page.locator('[data-ip="name-a"]')).to_have_text(now["a"])
    page.get_by_role("button", name="Swap").click()
    settled(page, 0.2)
    slider(page).focus()  # the value committed last time may be committed again
    page.keyboard.press("PageUp")
    expect(page).to_have_url(re.compile(r"gamma=0\.3(&|$)"))


def test_the_network_under_the_thumb_is_taken_away(page, anchors, tmp_path):
    show(page, anchors, 0.7)
    assert offered(page) == formats.words()
    with page.expect_download() as download:
        page.get_by_test_id("take-safetensors").click()
    path = tmp_path / download.value.suggested_filename
    assert path.suffix == ".safetensors"
    download.value.save_as(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    assert json.loads(metadata["anchors"]) == list(anchors) and float(metadata["gamma"]) == 0.7 and metadata["space"] == SPACE
    assert shapes == {entry.name: tuple(entry.shape) for entry in architecture(metadata["architecture"]).layout}
    assert json.loads(metadata["metrics"])["test_accuracy"]["value"] == pytest.approx(float(live(page).get_attribute("data-value")))
    with page.expect_download() as download:
        page.get_by_test_id("take-folder").click()
    assert download.value.suggested_filename.endswith(".zip") and "model.py" in ZipFile(download.value.path()).namelist()


def test_latest_wins_and_at_most_one_question_is_in_flight(page, anchors):
    """A server that answers when the test says so: of thirty movements the first and the last are asked, none between."""
    held = []

    def route(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda message: held.append(message) if hold else server.send(message))
        release.append(lambda: server.send(held.pop(0)))

    hold, release = False, []
    page.route_web_socket(re.compile("/api/live$"), route)
    show(page, anchors, done=True)
    hold = True
    slider(page).focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("window.__live.overtaken >= 28")  # all thirty are made
    until(slider(page), lambda: bool(held), "nothing was asked")
    assert [json.loads(message)["gamma"] for message in held] == [0.51]
    release[0]()
    until(slider(page), lambda: bool(held), "the last movement was never asked")
    assert [json.loads(message)["gamma"] for message in held] == [0.8]
    hold = False
    release[0]()
    settled(page, 0.8)
    assert page.evaluate("window.__live.inFlightMax") == 1
    assert page.evaluate("window.__live.overtaken") >= 28


def test_a_refusal_is_one_line_and_goes_when_the_next_answer_comes(page, anchors):
    refusing = False

    def route(socket):
        server = socket.connect_to_server()

        def answer(message):
            if refusing:
                socket.send(
                    json.dumps({"id": json.loads(message)["id"], "ok": False, "error": "Made up: wait a moment.", "kind": "InvalidValue"})
                )
            else:
                server.send(message)

        socket.on_message(answer)

    page.route_web_socket(re.compile("/api/live$"), route)
    show(page, anchors, done=True)
    height = page.locator(".ip").bounding_box()["height"]
    refusing = True
    slider(page).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("live-error")).to_have_text("Made up: wait a moment.")
    assert page.locator(".ip").bounding_box()["height"] == height, "the page jumped"
    refusing = False
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("live-error")).to_have_text("")
    settled(page, 0.52)


def test_it_says_that_the_server_went_away_and_comes_back_with_it(browser, anchors, tmp_path):
    running = start(tmp_path)
    page = browser.new_page(base_url=running.url)
    try:
        show(page, anchors)
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "open")
        stop(running)
        expect(page.get_by_test_id("connection")).not_to_have_attribute("data-state", "open")
        thumb = slider(page)

        def at_the_end() -> bool:  # asked while nobody answers, once Streamlit's own message is closed
            if page.get_by_role("dialog").is_visible():
                page.keyboard.press("Escape")
            thumb.focus()
            page.keyboard.press("End")
            return thumb.get_attribute("aria-valuenow") == "1"

        until(thumb, at_the_end, "the thumb did not move")
        running = start(tmp_path, "--port", str(urlsplit(running.url).port))
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "open", timeout=30_000)
        settled(page, 1)
    finally:
        page.close()
        stop(running)


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_jumps_while_the_figures_change(page, anchors, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    show(page, anchors, done=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    places = (
        "() => [...document.querySelectorAll('.ip [data-testid], .ip-against, .ip-cells, .ip-take')].map(e => { const r = "
        "e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].map(Math.round).join() + e.dataset.testid })"
    )
    before = page.evaluate(places)
    slider(page).focus()
    for key, gamma in (("Home", 0), ("End", 1)):
        page.keyboard.press(key)
        settled(page, gamma)
        assert page.evaluate(places) == before
