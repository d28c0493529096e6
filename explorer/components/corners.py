"""The four-corner pad: four networks at the corners of a square, and under the thumb the network that lives between them."""

from __future__ import annotations

import math

import streamlit as st

from engine.netspace.space import Space
from explorer import state
from explorer.components import source
from explorer.components.interpolation import architectures

KEY = "corners"

HTML = """
<section class="cp waiting" aria-label="A square between four networks">
  <div class="cp-square" data-cp="square" data-testid="corner-pad">
    <canvas data-cp="field" aria-hidden="true"></canvas>
    <div class="cp-thumb" data-cp="thumb" role="slider" tabindex="0" aria-label="place in the square" aria-valuemin="0" aria-valuemax="1" aria-valuenow="0.5"></div>
  </div>
  <div class="cp-side">
    <div class="cp-quiet">Test accuracy of the network here</div>
    <div class="cp-value" data-cp="value" data-testid="corner-accuracy">–</div>
    <div><span data-cp="interval">–</span> <span class="cp-quiet">95&nbsp;% interval</span></div>
    <div class="cp-quiet">x <b data-cp="x">0.500</b>, y <b data-cp="y">0.500</b> · <span data-cp="right">–</span> test images right</div>
    <div class="ip-network" data-cp="network" data-testid="corner-class-ids"></div>
    <div class="cp-quiet" data-cp="error" role="alert"></div>
  </div>
</section>
"""

_mount = st.components.v2.component(
    "explorer_corners",
    html=HTML,
    css=source("interpolation.css", "corners.css"),
    js=source("mount.js", "live.js", "class_ids.js", "corners.js"),
    isolate_styles=False,
)


def defaults(space: Space) -> list[str]:
    """An instance of each of four architectures (the nearest to four where there are others), held out where possible and good on
    validation images."""
    table = space.table
    held = table[table["split"] == "test"]
    best = (held if len(held) > 3 else table).sort_values("val_accuracy", kind="stable", ascending=False)
    count = len(space.archs)
    wanted = [min(count - 1, round(i * (count - 1) / 3)) for i in range(4)]
    return [str(best["id"][best["class_id"] == id_].iloc[0]) for id_ in wanted]


def corner_pad(space: Space, corners: list[str], x: float, y: float) -> None:
    """Show the square whose corners are four instances, the thumb at (x, y), each in 0..1. Releasing it selects its place."""
    data = {"space": space.id, "corners": corners, "x": x, "y": y, "images": space.images is not None, "architectures": architectures(space), "kinds": [space.arch_of(space.row(each)).id for each in corners]}
    _mount(data=data, key=KEY, on_place_change=lambda: committed(st.session_state[KEY].get("place")))


def committed(value: object) -> None:
    """Take over the place that the component sends on release, if it is of the space that is selected now."""
    if not isinstance(value, dict) or value.get("space") != state.get("space"):
        return
    place = [value.get(name) for name in "xy"]
    if all(isinstance(each, int | float) and math.isfinite(each) and 0 <= each <= 1 for each in place):
        state.remember(x=float(place[0]), y=float(place[1]))
