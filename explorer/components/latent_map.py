"""The latent map as a component: a Plotly picture that keeps its zoom and selection, with a panel beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st
from streamlit.components.v2 import component

from explorer import navigation
from explorer.components import script, source
from explorer.screens import Column, Screens

DIMS = ("2", "3")


_mount = component(
    "latent_map",
    html=source("latent_map.html"),
    css=source("latent_map.css"),
    js=script("latent_map.js"),
    isolate_styles=False,  # Plotly listens on the document and adds its own styles there
)


def for_map(screens: Screens, colours: Mapping[str, Column]) -> dict:
    """What the script asks of a task: where "Interpolate" leads, what colours, cards and lists are made of, how a line's values are
    called and written, which pictures it fetches. `colours`: those of its own that a space has, and properties of its zoo."""
    return {
        "page": navigation.url_path(screens.path),
        "pictures": screens.pictures,
        "colours": {key: column.data() for key, column in colours.items()},
        "card": [column.data() for column in screens.card],
        "quality": screens.quality and screens.quality.data(),
        "walked": screens.walked.data(),
    }


def latent_map(data: dict, on_act: Callable[[dict], None], key: str = "latent_map") -> list[str]:
    """The map; returns the ids of the points that a box or lasso holds.

    `data`: space (id), title (the space's), screen (see for_map), dims ("2" or "3"), colour (one of the screen's), properties (columns
    of numbers that an axis can be), across and up ("map" or one of those), range (the box that the
    flat picture shows, "left_right_bottom_top", or None for all), eye (nine numbers of the solid one's camera, alike), placed (rows
    like the table's, of what was placed in it), preview (the id of the one that is not kept, or None), a, b, instance (ids or None),
    neighbours ({"of": id, "ids", "distances"} or None), line (that of maps.line, or None).
    `on_act` gets what a person changed: some of dims, colour, across, up, range, eye, a, b, instance, or {"go": True} for "Interpolate".
    """
    result = _mount(
        key=key,
        data=data,
        default={"selection": []},
        on_selection_change=lambda: None,
        on_act_change=lambda: on_act(st.session_state[key]["act"]),
    )
    return list(result.selection or [])
