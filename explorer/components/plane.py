"""The plane through three networks as one component (plane.js)."""

from __future__ import annotations

import math
import random

import streamlit as st

from engine.kinds.netspace.plane import FARTHEST
from engine.kinds.netspace.space import Space
from engine.tasks.task import PATHS
from explorer import state
from explorer.components import component, script, source
from explorer.components.interpolation import architectures
from explorer.tasks import screens

KEY = "plane"
CORNERS = ("a", "b", "c")

_mount = component(
    "explorer_plane",
    html=source("plane.html"),
    css=source("live.css", "interpolation.css", "plane.css"),
    js=script("plane.js"),
    isolate_styles=False,
)


def paths(space: Space, corners: list[str]) -> list[str]:
    """The ways to mix three instances: the weights of several architectures cannot be mixed."""
    same = len({space.arch_of(space.row(each)).id for each in corners}) == 1
    return [path for path in PATHS if path in space.task.paths and (same or path == "embedding")]


def draw_three(space: Space) -> None:
    """Select three different instances at random."""
    state.remember(**dict(zip(CORNERS, random.sample(space.table["id"].tolist(), 3))), u=None, v=None)


def three_planes(space: Space, corners: list[str], u: float, v: float) -> None:
    """Show the planes through three instances, the thumb at A + u (B - A) + v (C - A). A click selects another place."""
    shown = screens(space.task.id)
    data = {
        "space": space.id,
        "title": space.manifest.title or space.id,
        "corners": corners,
        "u": u,
        "v": v,
        "paths": paths(space, corners),
        "scale": scale(space),
        "look": shown.planes.look,
        "ask": {"images": "none"} if space.dataset and space.images is None else {},
        "rest": dict(shown.planes.rest),
        "architectures": architectures(space),
    }
    _mount(data=data, key=KEY, on_place_change=lambda: committed(st.session_state[KEY].get("place")))


def scale(space: Space) -> dict:
    """What the colours mean: what is measured, in which range, and how it is written."""
    of, (low, high) = screens(space.task.id).planes, space.task.quality_range
    known = {"label": space.task.quality_scale, "low": low, "high": high, "ticks": space.task.quality_ticks}
    return {**known, "form": of.form, "lines": list(of.lines), "columns": list(of.columns)}


def committed(value: object) -> None:
    """Take over the place that the component sends, if it is of what is selected now."""
    if not isinstance(value, dict) or value.get("space") != state.get("space"):
        return
    if value.get("corners") != [state.get(name) for name in CORNERS]:
        return
    place = [each for name in "uv" if isinstance(each := value.get(name), int | float) and math.isfinite(each) and abs(each) <= FARTHEST]
    if len(place) == 2:
        state.remember(u=float(place[0]), v=float(place[1]))
