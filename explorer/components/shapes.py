"""The page of shapes as one component: contact sheet, gamma slider, meshes that follow it (shapes.js)."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.netspace.space import Space
from explorer.components import source

KEY = "shapes"
SHAPES = ("path", "instance")  # what is shown
RESOLUTIONS = ("64", "96", "128", "192", "256")  # when the thumb rests

PANE = """<figure data-pane><figcaption><b data-of="title"></b><span data-of="facts"></span></figcaption>
  <div class="sh-stage" data-testid="{testid}" data-faces="0" tabindex="0" role="application" aria-label="{label}. Arrow keys turn it, with Shift they move it, + and - zoom, 0 resets.">
    <canvas></canvas><div class="sh-none" data-of="none" role="status" hidden></div>
  </div></figure>"""
PANES = {"mesh": "Mesh of the network here", "mesh-weights": "Mesh beside it", "mesh-original": "The shape that it was fitted to"}

_mount = st.components.v2.component(
    "explorer_shapes",
    html=source("shapes.html").replace("PANES", "".join(PANE.format(testid=testid, label=label) for testid, label in PANES.items())),
    css=source("interpolation.css", "shapes.css"),
    js=source("live.js", "gamma_slider.js", "mesh_view.js", "mesh_plotly.js", "contact_sheet.js", "filmstrip.js", "shape_table.js", "shapes.js"),
    isolate_styles=False,  # Plotly, where it is needed, listens on the document and adds its own styles there
)


def shapes(space: Space, selected: dict, placed: list[dict], on_act: Callable[[dict], None]) -> None:
    """Show `selected`: a, b, instance (ids or None), gamma, shape (one of SHAPES), level, resolution, camera (a text or None).

    `placed`: {"id", "name"} of each shape placed in the space. `on_act` gets what a person changed of these.
    """
    seen = int((space.table["split"] == "train").sum())
    captions = {
        "sheet": "Each picture is the fitted network itself (the target), its surface at level 0.",
        "views": f"Meshes of {space.arch.id} networks ({space.arch.parameters:,} parameters), whose answer is a signed distance: marching cubes at the level above, {48}\u00b3 nodes while the thumb "
        "moves (coarse) and the fine grid when it rests. Left: the network decoded from the embedding (1 \u2212 gamma) e_A + gamma e_B. Beside it: the same gamma applied to the weights of A and B. "
        "Fig. 4 of the NetSpace paper. Measured live when the thumb rests: IoU on a grid of 48\u00b3 cells and Chamfer distance (10,000 points a side, not squared, floor about 0.01) "
        "to the anchors' own networks; volume and area in units of the cube [\u22121, 1]\u00b3.",
        "film": f"Eleven gammas at 48\u00b3, as in fig. 4 of the NetSpace paper: decoded embeddings above, mixed weights below. {encoder_words(space, seen)}",
    }
    data = {"space": space.id, **selected, "placed": placed, "captions": captions}
    _mount(data=data, key=KEY, on_act_change=lambda: on_act(st.session_state[KEY]["act"]))


def encoder_words(space: Space, seen: int) -> str:
    """What the space can be trusted with, in one sentence."""
    if getattr(space.config, "encoder", "prep") == "probe":
        return f"The space was trained on {seen} networks and places others by asking them at learned points (ours, beyond the paper)."
    return f"This is a space of seen shapes: its encoder reads the weights of the {seen} networks it was trained on, and fails on others, as in the paper."
