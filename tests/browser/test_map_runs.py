"""The latent map by a zoo's own columns: a property as colour, axis and filter, and runs that are played over their steps."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

SPACE = "netspace-digits"
STEPS = 4


def with_runs(route: Route) -> None:
    """The space as if each four of its networks, one after the other, were the checkpoints of one training."""
    found = route.fetch().json()
    count = len(found["instances"]["id"])
    found["instances"] |= {"run": [f"r{row // STEPS}" for row in range(count)], "step": [10 * (row % STEPS) for row in range(count)]}
    route.fulfill(json=found)


def drawn(page: Page) -> dict:
    """How many lines a trace of runs has, and where what moves along them is."""
    return page.evaluate(
        """() => {
          const { data } = document.querySelector('.lm [data-part="flat"]'), last = data.at(-1);
          const lines = data.find((trace) => trace.opacity === 0.45);
          return { lines: lines ? lines.x.filter((x) => x === null).length : 0, at: last.customdata ? null : Array.from(last.x) };
        }"""
    )


def test_properties_are_axes_and_filters_and_runs_are_played(page):
    page.route(f"**/api/spaces/{SPACE}", with_runs)
    page.goto(f"/latent-map?space={SPACE}&colour=steps")
    stage = page.get_by_test_id("latent-map")
    expect(stage).to_have_attribute("data-state", "ready")
    count = int(stage.get_attribute("data-points"))
    assert drawn(page)["lines"] == 0
    stage.get_by_role("button", name="Runs", exact=True).click()
    expect(stage).to_have_attribute("data-runs", str(count // STEPS))
    assert drawn(page)["lines"] == count // STEPS
    places = []
    for share, step in (("0", "step 0"), ("0.5", "step 15"), ("1", "step 30")):
        stage.get_by_label("Step of the runs").fill(share)
        expect(page.get_by_test_id("run-step")).to_have_text(step)
        places.append(drawn(page)["at"])
    assert len(places[0]) == count // STEPS and places[0] != places[1] != places[2]

    table = page.request.get(f"/api/spaces/{SPACE}").json()["instances"]
    known = [steps for steps in table["steps"] if steps is not None]
    limit = sorted(known)[len(known) // 2]
    stage.get_by_label("Show values from").fill(str(limit))
    stage.get_by_label("Show values from").press("Enter")
    expect(stage).to_have_attribute("data-shown", str(sum(steps >= limit for steps in known)))
    stage.get_by_role("button", name="Show all").click()
    expect(stage).to_have_attribute("data-shown", str(count))

    stage.get_by_label("Across").select_option("steps")
    page.wait_for_function("new URL(location).searchParams.get('across') === 'steps'")
    expect(stage).to_have_attribute("data-axes", "true")
    xs = page.evaluate("""() => document.querySelector('.lm [data-part="flat"]').data.find((trace) => trace.customdata).x""")
    assert sorted(x for x in xs if x is not None) == sorted(known), "a point lies at its own value"
