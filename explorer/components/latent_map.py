"""The latent map as a component: a Plotly picture that keeps its zoom and selection, with a panel beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.components import source

COLOURS = ("accuracy", "predicted", "steps", "split", "architecture")
SHAPE_COLOURS = ("iou", "fit", "legs", "split", "architecture")
DIMS = ("2", "3")

HTML = """
<div class="lm" data-testid="latent-map" data-state="loading">
  <div class="lm-bar">
    <span class="lm-group" role="group" aria-label="Dimensions">
      <button type="button" data-do="dims" data-value="2">2D</button><button type="button" data-do="dims" data-value="3">3D</button>
    </span>
    <label>Colour
      <select data-part="colour" aria-label="Colour">
        <option value="accuracy" data-of="images">test accuracy</option><option value="predicted" data-of="images">predicted accuracy</option>
        <option value="steps" data-of="images">training length</option><option value="iou" data-of="shapes">IoU, predicted</option><option value="fit" data-of="shapes">IoU, fit</option>
        <option value="legs" data-of="shapes">kind</option><option value="split">split</option><option value="architecture">architecture</option>
      </select>
    </label>
    <span class="lm-legend" data-part="legend"></span>
    <span class="lm-space"></span>
    <span class="lm-group" role="group" aria-label="Dragging" data-part="drags">
      <button type="button" data-do="drag" data-value="pan">Pan</button><button type="button" data-do="drag" data-value="select">Box</button><button type="button" data-do="drag" data-value="lasso">Lasso</button>
    </span>
    <span class="lm-group" role="group" aria-label="Picture">
      <button type="button" data-do="reset" title="Show everything again">Reset</button><button type="button" data-do="save" data-value="png" title="Download the picture">PNG</button><button type="button" data-do="save" data-value="svg" title="Download the picture">SVG</button>
    </span>
  </div>
  <div class="lm-stage" data-part="stage" tabindex="0" role="application"
       aria-label="Latent map. Arrow keys walk from point to point, Enter sets the next anchor.">
    <div class="lm-plot" data-part="flat"></div>
    <div class="lm-plot" data-part="solid" hidden></div>
    <div class="lm-hint" data-part="next" data-testid="next-click" aria-live="polite"></div>
    <div class="lm-count"><span data-part="count" data-testid="selected-count"></span><button type="button" data-do="unselect" data-part="unselect" hidden>Clear</button></div>
    <div class="lm-card" data-part="card" data-testid="hover-card" hidden></div>
    <div class="lm-veil lm-bone"></div>
    <div class="lm-failure" data-part="failure" role="alert"></div>
  </div>
  <aside class="lm-panel">
    <div>
      <input type="search" data-part="search" placeholder="Find an instance by id" aria-label="Find an instance by id" autocomplete="off" spellcheck="false">
      <datalist data-part="ids"></datalist>
      <div class="lm-miss" data-part="miss" role="status"></div>
    </div>
    <div class="lm-anchors">
      <div><b>A</b><span data-part="name-a" data-testid="anchor-a"></span></div>
      <div><b>B</b><span data-part="name-b" data-testid="anchor-b"></span></div>
      <p data-part="line" data-testid="line-words"></p>
      <div class="lm-foot"><a class="lm-go lm-off" data-do="go" data-part="go">Interpolate</a><button type="button" data-do="clear" data-part="clear">Clear</button></div>
    </div>
    <div class="lm-instance">
      <p class="lm-quiet" data-part="nobody">Nothing is selected. Click a point, search for an id, or walk over the map with the arrow keys.</p>
      <div data-part="somebody" hidden>
        <div data-part="who" data-testid="selected-instance"></div>
        <div class="lm-pair"><button type="button" data-do="a" data-part="set-a">Set as A</button><button type="button" data-do="b" data-part="set-b">Set as B</button></div>
        <p class="lm-title"><b>Nearest in the embedding</b> <small data-part="quality">accuracy, distance</small></p>
        <ol data-part="near" data-testid="neighbours"></ol>
      </div>
    </div>
  </aside>
</div>
"""

_here = Path(__file__)
_mount = st.components.v2.component(
    "latent_map",
    html=HTML,
    css=_here.with_suffix(".css").read_text("utf-8"),
    js=source("mount.js", "colours.js", "seen.js", "latent_map_picture.js", "latent_map_save.js", "latent_map.js"),
    isolate_styles=False,  # Plotly listens on the document and adds its own styles there
)


def latent_map(data: dict, on_act: Callable[[dict], None], key: str = "latent_map") -> list[str]:
    """The map; returns the ids of the points that a box or lasso holds.

    `data`: space (id), title (the space's), dims ("2" or "3"), colour (one of COLOURS, of SHAPE_COLOURS for shapes), range (the box that the
    flat picture shows, "left_right_bottom_top", or None for all), eye (nine numbers of the solid one's camera, alike), placed (rows
    like the table's, of shapes placed in it), a, b, instance (ids or None), neighbours ({"of": id, "ids", "distances"} or None), line ({"a", "b", "gammas", "accuracy", "n", "split", "xy", "xyz"} or None).
    `on_act` gets what a person changed: some of dims, colour, range, eye, a, b, instance, or {"go": True} for "Interpolate".
    """
    result = _mount(
        key=key,
        data=data,
        default={"selection": []},
        on_selection_change=lambda: None,
        on_act_change=lambda: on_act(st.session_state[key]["act"]),
    )
    return list(result.selection or [])
