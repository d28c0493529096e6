"""What pages say agrees with what they show: LSO's best step, a kept network everywhere, a job's row, fields on a phone, a row that
opens its entry, legends beside toolbars. Last by name: it leaves networks in the workspace."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engine import presets
from engine.core.artifacts import Store
from engine.core.config import fields_of
from engine.kinds.nern.bringing import send
from engine.kinds.zoo.loading import load_zoo
from tests.browser.hand import choose, until

SPACE = "netspace-digits"
ZERO = (
    "(canvas) => [...new Set(new Uint32Array(canvas.getContext('2d').getImageData(8, 8, canvas.width - 16, canvas.height - "
    "40).data.buffer))].map((word) => [word & 255, (word >> 8) & 255, (word >> 16) & 255])"
)
OVERLAPS = """() => [...document.querySelectorAll('.js-plotly-plot')]
  .filter((plot) => plot.querySelector('.legend') && plot.querySelector('.modebar-btn')).map((plot) => {
  const [a, b] = ['.legend', '.modebar'].map((name) => plot.querySelector(name).getBoundingClientRect());
  return a.width > 0 && b.width > 0 && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
})"""


def queued(page: Page, spec: dict) -> str:
    """The job of a spec, asked for as a script does it."""
    answer = page.request.post("/api/jobs", data=spec)
    assert answer.ok, answer.text()
    return answer.json()["job"]["id"]


def state_of(page: Page, job: str) -> str:
    return page.request.get(f"/api/jobs/{job}").json()["state"]


def test_what_lso_found_is_told_alike_on_every_page(page: Page, server):
    page.goto(f"/lso?space={SPACE}")  # a worker is there from now on
    start = str(page.request.get(f"/api/spaces/{SPACE}").json()["instances"]["id"][-1])
    job = queued(page, {"kind": "lso", "config": {"space": SPACE, "a": start, "steps": 20, "batch": 64}})

    def all_alike(route):
        """Every look at validation is equal but for its loss: the best step is the one that the descent says."""
        answer = route.fetch(max_retries=3)
        found = answer.json()
        for point in found["metrics"]:
            if "val_quality" in point:
                point |= {"val_quality": 0.5, "best_step": 15 if point["step"] >= 15 else 0}
        route.fulfill(response=answer, json=found)

    page.route(re.compile(rf"/api/jobs/{job}\?since"), all_alike)
    page.goto(f"/lso?space={SPACE}&job={job}")
    expect(page.get_by_test_id("job-words")).to_have_text("done")
    expect(page.locator('[data-part="best-step"]')).to_have_text("step 15")
    page.unroute_all(behavior="wait")
    page.reload()
    best = page.get_by_text("Best is step")
    step = re.search(r"Best is step (\d+)", best.inner_text())[1]
    expect(page.locator('[data-part="best-step"]')).to_have_text(f"step {step}")
    how = page.get_by_text("chosen by accuracy on validation")  # behind the caption's line
    expect(how).to_contain_text(f"predicts for {start}, which itself, as it was trained, has")

    page.get_by_label("Name", exact=True).fill("My best 🎉 network")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("It is now an instance of")).to_contain_text("my-best-network")
    table = page.request.get(f"/api/spaces/{SPACE}").json()["instances"]
    row = table["id"].index("my-best-network")
    assert table["steps"][row] is None and table["split"][row] == "kept" and isinstance(table["steps"][0], float | int)
    page.goto(f"/latent-map?space={SPACE}&colour=steps&instance=my-best-network")
    expect(page.get_by_test_id("selected-instance")).to_contain_text("not trained here")

    page.goto(f"/preps?space={SPACE}&instance=my-best-network&view=difference")
    expect(page.get_by_test_id("prep-view")).to_have_attribute("data-state", "ready")
    expect(page.get_by_text("their difference is zero everywhere")).to_have_count(1)  # behind the caption's line
    canvas = page.get_by_test_id("prep-difference")
    until(canvas, lambda: len(canvas.evaluate(ZERO)) > 1, "the picture was not painted")
    colours = {tuple(colour) for colour in canvas.evaluate(ZERO)}
    assert (245, 245, 245) in colours and all(red == green == blue for red, green, blue in colours), "zero is neutral, lines are black"
    page.goto("/nern?original=my-best-network")
    expect(page.get_by_role("combobox", name="Original")).to_have_value(re.compile("^my-best-network · My best"))


def test_a_row_of_jobs_follows_its_job(page: Page):
    """Stopped and resumed here, stopped from elsewhere: the row says what is."""
    page.goto("/training")
    fields = {"train": 2, "val": 1, "test": 1, "steps_min": 50_000, "steps_max": 50_000, "batch": 8, "stack": 4, "seed": 77}
    job = queued(page, {"kind": "train", "preset": "zoo-digits", "id": "zoo-never", "config": fields})
    row = page.locator(f".st-key-row_{job}")
    expect(row).to_be_visible()  # queued from elsewhere, and listed
    page.goto(f"/training?job={job}")
    expect(page.get_by_test_id("training-job")).to_have_attribute("data-state", "running")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(row).to_contain_text("stopped")
    expect(row.get_by_role("button", name="Delete")).to_be_visible()
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(row.get_by_role("button", name="Delete")).to_have_count(0)
    expect(row).to_contain_text(re.compile("queued|running"))
    page.request.post(f"/api/jobs/{job}/stop", data={})  # from elsewhere
    expect(row.get_by_role("button", name="Delete")).to_be_visible()
    assert state_of(page, job) == "stopped"


@pytest.mark.parametrize("preset", ("netspace-digits", "nern-digits"))
def test_on_a_phone_fields_come_in_the_order_of_the_config(page: Page, preset):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/training?preset={preset}")
    wanted = [field.told.title for field in fields_of(presets.config(preset))]
    shown = page.locator('[data-testid="stExpander"]').first.locator('[data-testid="stWidgetLabel"]')
    for name in wanted:  # they arrive one by one
        expect(shown.filter(has_text=name).first).to_be_visible()
    tops = {label.inner_text().strip(): label.bounding_box()["y"] for label in shown.all()}
    assert [name for name in sorted(tops, key=tops.get) if name in wanted] == wanted


def test_the_original_that_a_person_chooses_is_shown_without_reproach(page: Page, server):
    store = Store(server.workspace)
    if not store.has("my-original"):
        send(store, "zoo-digits", str(load_zoo(store, "zoo-digits").table["id"].iloc[0]), None, 0.0, "weights", "My original!", "cpu")
    page.goto("/nern?original=network-digits&layer=blocks.2.second.conv")
    expect(page.get_by_test_id("nern-accuracy")).to_have_attribute("data-images", "360")
    until(page.locator("body"), lambda: len(page.evaluate(OVERLAPS)) >= 2, "the charts were not drawn")
    assert not any(page.evaluate(OVERLAPS)), "a toolbar lies over a legend"
    choose(page.locator('[data-testid="stSelectbox"]', has_text="Original").get_by_role("combobox"), "my-original")
    code = page.locator("code", has_text="engine train")
    expect(code).to_contain_text("--original my-original")
    assert "network-digits" not in code.inner_text() and page.get_by_text("There is no").count() == 0
    expect(page).not_to_have_url(re.compile("blocks"))


def test_a_row_opens_its_entry_and_its_charts_legend_is_clear(page: Page):
    page.goto("/papers")
    row = page.locator(".st-key-entry_netspace-figure-3")
    expect(page.locator(".entry-row")).to_have_count(39)
    box = row.bounding_box()
    row.click(position={"x": 0.9 * box["width"], "y": box["height"] / 2})  # far from its bold word
    expect(page.get_by_role("heading", name="NetSpace \u00b7 Figure 3")).to_be_visible()
    expect(page.locator(".js-plotly-plot .legend").first).to_be_visible()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        until(
            page.locator(".js-plotly-plot").first,
            lambda width=width: page.locator(".js-plotly-plot").first.bounding_box()["width"] < width,
            "the chart does not fit",
        )
        overlaps = page.evaluate(OVERLAPS)
        assert overlaps and not any(overlaps)
