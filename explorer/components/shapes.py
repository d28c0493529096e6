"""The page of shapes as one component: contact sheet, gamma slider, meshes that follow it (shapes.js)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from engine.nets.export import formats
from explorer.captions import Caption
from explorer.components import component, script, source

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

KEY = "shapes"
SHAPES = ("path", "instance")  # what is shown
LEVEL = 0.2  # of the iso-surface, on both sides of 0, as in shapes.html
COARSE = 48  # nodes an axis while the thumb moves, as in shapes.js
RESOLUTIONS = ("64", "96", "128", "192", "256")  # when the thumb rests


_mount = component(
    "explorer_shapes",
    html=source("shapes.html"),
    css=source("live.css", "walk.css", "interpolation.css", "shapes.css", "shape_figures.css"),
    js=script("shapes.js"),
    isolate_styles=False,  # Plotly, where it is needed, listens on the document and adds its own styles there
    brief=True,
)


def shapes(space: Space, selected: dict, placed: list[dict], on_act: Callable[[dict], None]) -> None:
    """Show `selected`: a, b, instance (ids or None), gamma, shape (one of SHAPES), level, resolution, camera (a text or None).

    `placed`: {"id", "name", "known"} of each shape placed in the space. `on_act` gets what a person changed of these.
    """
    meshed = (
        f"Networks of {space.arch.parameters:,} parameters ({space.arch.id}) that output a signed distance; marching cubes at the "
        f"level above on {COARSE}\u00b3 nodes while something "
        "moves (coarse) and on the fine grid when it rests. "
    )
    measured = (
        "Measured live when the thumb rests: IoU on a grid of 48\u00b3 cells, Chamfer distance between 10,000 points a side (not squared; "
        "its floor is about 0.01), volume and area in units of the "
        "cube [\u22121, 1]\u00b3."
    )
    captions = {
        "sheet": Caption("The networks as they were fitted."),
        "path": Caption(
            "Left the shape that the space makes at gamma; beside it the same mixture of the weights, as they are and aligned.",
            f"{meshed}Left: decoded from the embedding (1 \u2212 gamma) e_A + gamma e_B. Beside it the same gamma applied to the "
            "weights of A and B: as they are (fig. 4 of the NetSpace paper), and after B's units are matched to A's in order and "
            f"sign (Git Re-Basin). {measured} IoU and Chamfer are with the targets of A and B.",
        ),
        "instance": Caption(
            "What the space makes of the instance, the network it was given, and the shape that this was fitted to.",
            f"{meshed}Predicted: decoded from the instance's embedding. Target: the network that was fitted, which the space was "
            f"given. The shape itself: what the target was fitted to. {measured}",
        ),
        "placed": Caption(
            "A mesh of your own, as the space places it.",
            f"{meshed}By inversion of the decoder, and by the encoder alone. Ours, beyond the paper. {measured}",
        ),
        "film": Caption(
            "Eleven steps of gamma: through the space, and mixed. Turn a view and all pictures turn; a click goes to its gamma.",
            f"On {COARSE}\u00b3 nodes, as in fig. 4 of the NetSpace paper: decoded embeddings above, mixed weights "
            "below, first aligned, then as they are.",
        ),
    }
    data = {"space": space.id, **selected, "placed": placed, "captions": captions, "formats": formats.words()}
    _mount(data=data, key=KEY, on_act_change=lambda: on_act(st.session_state[KEY]["act"]))


def strip(space: str, a: str, b: str, gamma: float, on_act: Callable[[dict], None]) -> None:
    """The slider from shape `a` to `b` of a space, both meshes that follow it, and the filmstrip. The space is read once it is in sight."""
    fixed = {"gamma": gamma, "shape": "path", "instance": None, "level": 0.0, "resolution": 64, "camera": None, "placed": [], "brief": True}
    captions = dict.fromkeys(("sheet", "path", "film"), Caption(""))
    data = {"space": space, "a": a, "b": b, "captions": captions, "formats": {}, **fixed}
    _mount(data=data, key=KEY, on_act_change=lambda: on_act(st.session_state[KEY]["act"]))
