"""Target, predicted and difference PRep of an instance as a component: linked zoom, swipe, layers named under the pointer."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from explorer.components import component, script, source

VIEWS = ("pair", "swipe", "difference")
FORMS = ("wrapped", "raw")
ASPECT = {"pair": 1.1, "swipe": 2.4, "difference": 2.4}  # columns to rows of a re-wrapped picture


_mount = component(
    "prep_view",
    html=source("prep_view.html"),
    css=source("prep_view.css"),
    js=script("prep_view.js"),
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
