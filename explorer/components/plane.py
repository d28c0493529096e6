"""The plane through three networks as one component (plane.js)."""

from __future__ import annotations

import math
import random

import streamlit as st
from streamlit.components.v2 import component

from engine.kinds.netspace.plane import FARTHEST
from engine.kinds.netspace.space import Space
from engine.tasks.task import PATHS
from explorer import state
from explorer.components import script, source
from explorer.components.interpolation import architectures

KEY = "plane"
CORNERS = ("a", "b", "c")

_mount = component(
    "explorer_plane",
    html=source("plane.html"),
    css=source("live.css", "interpolation.css", "plane.css"),
    js=script("plane.js"),
    isolate_styles=False,
)


def defaults(space: Space) -> list[str]:
    """Three good networks, by validation images and held out where possible; of as many architectures as there are."""
    table = space.table
    held = table[table["split"] == "test"]
    best = (held if len(held) > 2 else table).sort_values("val_accuracy", kind="stable", ascending=False)
    if len(space.archs) > 1:
        first = best.groupby("class_id", sort=True).first()["id"].tolist()
        picked = [first[round(at * (len(first) - 1) / 2)] for at in range(3)]
        best = best[~best["id"].isin(picked)]
        return [*dict.fromkeys(picked), *best["id"]][:3]
    return best["id"].tolist()[:3]


def paths(space: Space, corners: list[str]) -> list[str]:
    """The ways to mix three instances: the weights of several architectures cannot be mixed."""
    same = len({space.arch_of(space.row(each)).id for each in corners}) == 1
    return [path for path in PATHS if path in space.task.paths and (same or path == "embedding")]


def draw_three(space: Space) -> None:
    """Select three different instances at random."""
    state.remember(**dict(zip(CORNERS, random.sample(space.table["id"].tolist(), 3))), u=None, v=None)


def three_planes(space: Space, corners: list[str], u: float, v: float) -> None:
    """Show the planes through three instances, the thumb at A + u (B - A) + v (C - A). A click selects another place."""
    data = {
        "space": space.id,
        "title": space.manifest.title or space.id,
        "corners": corners,
        "u": u,
        "v": v,
        "paths": paths(space, corners),
        "images": space.images is not None,
        "architectures": architectures(space),
    }
    _mount(data=data, key=KEY, on_place_change=lambda: committed(st.session_state[KEY].get("place")))


def committed(value: object) -> None:
    """Take over the place that the component sends, if it is of what is selected now."""
    if not isinstance(value, dict) or value.get("space") != state.get("space"):
        return
    if value.get("corners") != [state.get(name) for name in CORNERS]:
        return
    place = [each for name in "uv" if isinstance(each := value.get(name), int | float) and math.isfinite(each) and abs(each) <= FARTHEST]
    if len(place) == 2:
        state.remember(u=float(place[0]), v=float(place[1]))
