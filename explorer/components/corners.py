"""The four-corner pad: four networks at the corners of a square, and under the thumb the network that lives between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from explorer import state
from explorer.components import component, script, source
from explorer.components.interpolation import architectures

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

KEY = "corners"


_mount = component(
    "explorer_corners",
    html=source("corners.html"),
    css=source("live.css", "interpolation.css", "corners.css"),
    js=script("corners.js"),
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
    data = {
        "space": space.id,
        "corners": corners,
        "x": x,
        "y": y,
        "images": space.images is not None,
        "architectures": architectures(space),
        "kinds": [space.arch_of(space.row(each)).id for each in corners],
    }
    _mount(data=data, key=KEY, on_place_change=lambda: committed(st.session_state[KEY].get("place")))


def committed(value: object) -> None:
    """Take over the place that the component sends on release, if it is of the space that is selected now."""
    if not isinstance(value, dict) or value.get("space") != state.get("space"):
        return
    place = [each for name in "xy" if isinstance(each := value.get(name), int | float) and math.isfinite(each) and 0 <= each <= 1]
    if len(place) == 2:
        state.remember(x=float(place[0]), y=float(place[1]))
