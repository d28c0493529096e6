"""Dragging the gamma slider in a real browser: from the slider's input event to the painted figure. The page itself notes
both times (`window.__live`, filled by explorer/components/live.js and interpolation.js)."""

from __future__ import annotations

import tempfile
from functools import cache

from . import row
from .drag import shipped
from .measure import p95
from .programs import explorer, opened

SWEEPS, MOVES, PAUSE = 6, 60, 16  # a sweep of the whole track takes about a second; ms between two moves
PATIENCE = 60_000  # ms
BAR_P95, BAR_RATE = 40.0, 25.0  # ms, updates a second


def swept(page, sweeps: int) -> dict:
    """Drag the thumb over the whole track and back; what the page noted: `latencies` and `paints` in ms, `inFlightMax`."""
    track, thumb = page.locator(".ip-slider").bounding_box(), page.get_by_role("slider", name="gamma").bounding_box()
    y = track["y"] + track["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, y)
    page.mouse.down()
    page.evaluate("Object.assign(window.__live, {latencies: [], paints: [], inFlightMax: 0})")
    for sweep in range(sweeps):
        for move in range(MOVES + 1):
            share = move / MOVES if sweep % 2 else 1 - move / MOVES
            page.mouse.move(track["x"] + share * track["width"], y)
            page.wait_for_timeout(PAUSE)
    found = page.evaluate("({latencies: window.__live.latencies, paints: window.__live.paints, inFlightMax: window.__live.inFlightMax})")
    page.mouse.up()
    assert found["inFlightMax"] <= 1, "questions queued up"
    return found


@cache
def marks() -> dict:
    """What the page noted during a drag over the first shipped space; see `swept`."""
    store, (space_id, *_) = shipped()
    table = store.open(space_id).table("instances.parquet").sort_values("test_accuracy", kind="stable")
    a, b = table["id"].iloc[len(table) // 10], table["id"].iloc[-1]
    with opened() as browser, tempfile.TemporaryDirectory() as workspace, explorer(workspace) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url.rstrip('/')}/interpolation?space={space_id}&a={a}&b={b}&gamma=0.5")
        page.locator('.ip[data-curve="done"]').wait_for()
        found = swept(page, SWEEPS)
    assert len(found["paints"]) > MOVES, "the figure did not follow the thumb"
    return found


def update_p95() -> list[dict]:
    """p95 from the input event to the painted figure, in ms; the reference is the bar."""
    return [row("browser_update_p95", p95(marks()["latencies"]), "ms", BAR_P95)]


def updates_per_s() -> list[dict]:
    """Painted figures a second while the thumb moves; the reference is the bar."""
    paints = marks()["paints"]
    return [row("browser_updates_per_s", 1000 * (len(paints) - 1) / (paints[-1] - paints[0]), "1/s", BAR_RATE, higher_is_better=True)]
