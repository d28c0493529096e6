"""Target, predicted and difference PRep of an instance as a component: linked zoom, swipe, layers named under the pointer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.components import source

VIEWS = ("pair", "swipe", "difference")
FORMS = ("wrapped", "raw")
ASPECT = {"pair": 1.1, "swipe": 2.4, "difference": 2.4}  # columns to rows of a re-wrapped picture

FIGURE = """
    <figure data-part="{name}"><figcaption>{title}</figcaption>
      <canvas data-testid="prep-{name}" tabindex="0" role="img" aria-label="{title} PRep. Arrow keys move over its parameters, + and - zoom, 0 shows all."></canvas>
    </figure>"""

HTML = """
<div class="pv" data-testid="prep-view" data-state="loading" data-mode="pair" data-form="wrapped">
  <div class="pv-bar">
    <span class="pv-group" role="group" aria-label="View">
      <button type="button" data-do="view" data-value="pair">Side by side</button><button type="button" data-do="view" data-value="swipe">Swipe</button><button type="button" data-do="view" data-value="difference">Difference</button>
    </span>
    <span class="pv-group" role="group" aria-label="Form">
      <button type="button" data-do="form" data-value="wrapped" data-part="wrapped">Re-wrapped</button><button type="button" data-do="form" data-value="raw" data-part="raw">Raw</button>
    </span>
    <span class="pv-group" role="group" aria-label="Zoom">
      <button type="button" data-do="zoom" data-value="-" aria-label="Zoom out">−</button><span class="pv-zoom" data-part="zoom">1.0×</span><button type="button" data-do="zoom" data-value="+" aria-label="Zoom in">+</button><button type="button" data-do="zoom" data-value="0">All</button>
    </span>
    <span class="pv-scale" title="1st to 99th percentile of the target, the larger magnitude on both sides; one scale for all pictures"><span data-part="low"></span><i data-part="ramp"></i><span data-part="high"></span></span>
  </div>
  <div class="pv-stage" data-part="stage">FIGURES
    <div class="pv-divider" data-part="divider" data-testid="prep-divider" role="slider" tabindex="0" aria-label="divider" aria-valuemin="0" aria-valuemax="100" hidden></div>
    <div class="pv-card" data-part="card" data-testid="prep-readout" role="status" hidden>
      <b data-part="layer"></b><span data-part="where"></span>
      <dl><dt>target</dt><dd data-part="value-target"></dd><dt>predicted</dt><dd data-part="value-predicted"></dd><dt>difference</dt><dd data-part="value-difference"></dd></dl>
    </div>
    <div class="pv-veil"></div><div class="pv-failure" data-part="failure" role="alert"></div>
  </div>
  <div class="pv-layers" data-part="layers" role="group" aria-label="Layers"></div>
</div>
"""
TITLES = {"target": "Target", "predicted": "Predicted", "difference": "Predicted − target"}

_here = Path(__file__)
_mount = st.components.v2.component(
    "prep_view",
    html=HTML.replace("FIGURES", "".join(FIGURE.format(name=name, title=title) for name, title in TITLES.items())),
    css=_here.with_suffix(".css").read_text("utf-8"),
    js=source("mount.js", "colours.js", "prep_view.js"),
    isolate_styles=False,
)


def wrapped_cols(parameters: int, view: str) -> int:
    """Columns of a re-wrapped picture; `grid` in prep_view.js counts the same."""
    return math.ceil(math.sqrt(parameters * ASPECT[view]))


def prep_view(data: dict, on_act: Callable[[dict], None], key: str = "prep_view") -> dict | None:
    """The pictures; returns the part that is shown, {"cols", "box": [left, top, right, bottom] in cells, "whole"}, or None at first.

    `data`: space, instance (ids), view (one of VIEWS), form (one of FORMS). `on_act` gets the view or form that a person chose.
    """
    result = _mount(
        key=key,
        data={**data, "aspect": ASPECT},
        default={"crop": None},
        on_crop_change=lambda: None,
        on_act_change=lambda: on_act(st.session_state[key]["act"]),
    )
    return result.crop
