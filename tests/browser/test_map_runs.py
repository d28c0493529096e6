"""The latent map by a zoo's own columns: a property as colour, axis and filter, and runs that are played over their steps."""

from __future__ import annotations

import json
import re

import numpy as np
from playwright.sync_api import Page, WebSocketRoute, expect

from engine.core.frames import frame, unframe

SPACE = "netspace-digits"
STEPS = 4


def with_runs(route: WebSocketRoute) -> None:
    """The space as if each four of its networks, one after the other, were the checkpoints of one training."""
    server, asked = route.connect_to_server(), {}

    def question(message: str) -> None:
        told = json.loads(message)
        asked[told["id"]] = [name for kind in ("numbers", "names") for name in told.get(kind, []) if name in ("run", "step")]
        server.send(
            json.dumps(
                {**told, **{kind: [n for n in told[kind] if n not in ("run", "step")] for kind in told if kind in ("numbers", "names")}}
            )
        )

    def answer(message: str | bytes) -> None:
        if isinstance(message, str):
            return route.send(message)
        header, arrays = unframe(message)
        if "known" in header:
            rows = np.arange(header["count"])
            columns = {"run": (rows // STEPS).astype(np.uint32), "step": (10.0 * (rows % STEPS)).astype(np.float32)}
            header["known"] += ["run", "step"]
            for name in asked[header["id"]]:
                arrays[name] = columns[name]
                header["columns"].append({"name": name, "array": name, **({"names": None} if name == "run" else {})})
        return route.send(frame(header, arrays))

    route.on_message(question)
    server.on_message(answer)


MAP = "document.querySelector('.lm').latentMap"


def drawn(page: Page) -> dict:
    """How many runs are lines, and where what moves along them is."""
    return page.evaluate(f"(({{ lines, movers }}) => ({{ lines: lines.length, at: [...movers] }}))({MAP}.drawing({MAP}.look))")


def test_properties_are_axes_and_filters_and_runs_are_played(page):
    page.route_web_socket(re.compile("/api/live$"), with_runs)
    page.goto(f"/latent-map?space={SPACE}&colour=steps")
    stage = page.get_by_test_id("latent-map")
    expect(stage).to_have_attribute("data-state", "ready")
    count = int(stage.get_attribute("data-points"))
    lengths = [len(range(first, min(first + STEPS, count))) for first in range(0, count, STEPS)]  # other tests keep networks here: the
    runs = sum(length > 1 for length in lengths)  # last run may be shorter, and one network alone is none
    assert drawn(page)["lines"] == 0
    stage.get_by_role("button", name="Runs", exact=True).click()
    expect(stage).to_have_attribute("data-runs", str(runs))
    assert drawn(page)["lines"] == 2 * sum(length - 1 for length in lengths)
    places = []
    for share, step in (("0", "step 0"), ("1", "step 30"), ("0.5", "step 15")):
        stage.get_by_label("Step of the runs").fill(share)
        expect(page.get_by_test_id("run-step")).to_have_text(step)
        places.append(drawn(page)["at"])
    assert len(places[0]) == 3 * runs and places[0] != places[1] != places[2]

    table = page.request.get(f"/api/spaces/{SPACE}").json()["instances"]
    known = [steps for steps in table["steps"] if steps is not None]
    limit = sorted(known)[len(known) // 2]
    stage.get_by_label("Show values from").fill(str(limit))
    stage.get_by_label("Show values from").press("Enter")
    expect(stage).to_have_attribute("data-shown", str(sum(steps >= limit for steps in known)))
    page.wait_for_function("JSON.parse(new URL(location).searchParams.get('only'))?.steps && new URL(location).searchParams.get('played')")
    page.reload()  # both are in the link
    expect(page.get_by_test_id("run-step")).to_have_text("step 15")
    expect(stage).to_have_attribute("data-shown", str(sum(steps >= limit for steps in known)))
    stage.get_by_role("button", name="Show all").click()
    expect(stage).to_have_attribute("data-shown", str(count))

    stage.get_by_label("Across").select_option("steps")
    page.wait_for_function("new URL(location).searchParams.get('across') === 'steps'")
    expect(stage).to_have_attribute("data-axes", "true")
    xs = page.evaluate(f"[...{MAP}.table.columns.get({MAP}.axes()[0])]")
    assert sorted(x for x in xs if x == x) == sorted(known), "a point lies at its own value"
    least, most = (
        page.evaluate(f"({MAP}.points().find((point) => point.row === {table['steps'].index(edge(known))})).at[0]") for edge in (min, max)
    )
    assert least < most, "and that is where it is drawn"
