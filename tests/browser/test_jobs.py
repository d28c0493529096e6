"""LSO and Training in a real browser: launched by a click, alive through a reload, stopped, kept, found on the map."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from engine.jobs.queue import Queue
from tests.browser.conftest import end_workers
from tests.browser.hand import FOLD

SPACE = "netspace-digits"
GROWN = "(steps) => Number(document.querySelector('[data-testid=lso-curve]')?.dataset.steps) > steps"


@pytest.fixture(autouse=True)
def no_worker_stays(server):
    """Workers outlive the server; those of this run end with its tests."""
    yield
    end_workers(server.workspace)


def steps(page: Page) -> int:
    return int(page.get_by_test_id("lso-curve").get_attribute("data-steps"))


def test_an_lso_is_launched_watched_stopped_kept_and_found_on_the_map(page, server):
    known = len(Queue(server.workspace).jobs())
    page.goto(f"/lso?space={SPACE}")
    rows_before = rows(page)
    page.get_by_role("button", name="Settings").click()
    field = page.get_by_label("Training length (steps)", exact=True)
    field.fill("20000")
    field.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_function(GROWN, arg=0)
    page.wait_for_function(GROWN, arg=steps(page))  # it goes on growing
    tray = page.get_by_test_id("job-tray").locator("a")
    expect(tray).to_contain_text("LSO")
    link, title = tray.element_handle(), tray.get_attribute("title")
    expect(tray).not_to_have_attribute("title", title)  # it has moved on
    assert link.evaluate("link => link.isConnected"), "a press that was on its way to this link is lost"
    page.wait_for_function("new URL(location).searchParams.has('job')")
    before = steps(page)
    page.reload()
    page.wait_for_function(GROWN, arg=before)
    expect(page.get_by_test_id("lso-map")).not_to_have_attribute("data-trajectory", "0")
    assert len(Queue(server.workspace).jobs()) == known + 1
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_test_id("job-words")).to_have_text("stopped")
    here, curve = page.get_by_test_id("lso-here"), page.get_by_test_id("lso-curve")
    curve.locator(".nsewdrag").first.click(position={"x": 2, "y": 20})  # one of the first steps is looked at again
    step = page.get_by_label("Step that is looked at")
    expect(step).to_have_value(re.compile(r"^\d{1,2}$"))
    step.press("Home")
    expect(step).to_have_value("0")
    first = here.inner_text()
    step.press("End")
    expect(step).not_to_have_value("0")
    expect(here).not_to_have_text(first)
    start, best = (float(page.get_by_test_id(f"lso-{name}").inner_text().split("\u202f")[0]) for name in ("before", "after"))
    assert 0 < start < 60 < best <= 100
    assert page.get_by_role("button", name="Keep").evaluate(FOLD) <= 800
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("link", name="Find it on the map").click()
    found = page.get_by_test_id("selected-instance")
    expect(found).to_contain_text("-lso-")
    expect(found).to_contain_text("kept")
    assert rows(page) == rows_before + 1
    expect(page.get_by_test_id("latent-map")).to_have_attribute("data-points", str(rows(page)))


def rows(page: Page) -> int:
    """Instances of the space: the zoo's and the kept ones, of which another test may have left some."""
    return len(page.request.get(f"/api/spaces/{SPACE}").json()["instances"]["id"])


def test_a_click_on_the_map_is_a_start(page):
    page.goto(f"/lso?space={SPACE}")
    stage = page.get_by_test_id("lso-map")
    expect(stage).to_have_attribute("data-points", str(rows(page)))
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"])
    page.wait_for_function("new URL(location).searchParams.get('start') === 'map' && new URL(location).searchParams.get('xy')")
    expect(page.get_by_text("Click the map to move it")).to_be_visible()


def test_a_training_is_launched_from_its_form_and_appears_in_the_pickers(page, server):
    page.goto("/training?preset=zoo-digits")
    for label, value in (
        ("Training instances", "3"),
        ("Validation instances", "1"),
        ("Held-out instances", "1"),
        ("Longest training (steps)", "40"),
    ):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
    name = page.get_by_label("Name of the artifact")
    name.fill("zoo-of-mine")
    name.press("Enter")
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_test_id("training-job")).to_have_attribute("data-state", "done")
    expect(page.get_by_test_id("training-job")).to_have_attribute("data-steps", "40")
    expect(page.get_by_test_id("job-log")).to_contain_text("done")
    ids = {row["id"] for row in page.request.get("/api/artifacts").json()["artifacts"]}
    assert "zoo-of-mine" in ids
    id_ = parse_qs(urlsplit(page.url).query)["job"][0]
    page.locator(f".st-key-row_{id_}").get_by_role("button", name="Delete").click()  # other tests left rows too
    expect(page.get_by_text("Artifacts that it made stay")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_test_id("training-job")).to_have_count(0)


def test_a_job_that_starts_and_ends_moves_nothing(page):
    """What is under a hand stays there."""
    jobs = []
    page.route("**/api/jobs?live", lambda route: route.fulfill(json={"jobs": jobs}))
    page.goto(f"/latent-map?space={SPACE}")
    stage, tray = page.get_by_test_id("latent-map"), page.get_by_test_id("job-tray")
    expect(stage).to_have_attribute("data-state", "ready")
    alone = stage.bounding_box()
    jobs.append({"id": "lso-1", "kind": "lso", "title": "LSO", "state": "running", "step": 4, "total": 10, "space": SPACE})
    expect(tray.get_by_role("link")).to_contain_text("40")
    assert stage.bounding_box() == alone
    inside, below = tray.bounding_box(), page.get_by_role("heading", level=1).locator("span").first.bounding_box()
    assert inside["height"] > 0 and inside["y"] + inside["height"] <= below["y"]
    jobs.clear()
    expect(tray).to_be_hidden()
    assert stage.bounding_box() == alone
