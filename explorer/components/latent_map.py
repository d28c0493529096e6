"""The latent map as a component: points that the browser's graphics card draws, with a panel beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from explorer import navigation
from explorer.components import component, script, source
from explorer.screens import Column, Screens

DIMS = ("2", "3")


_mount = component(
    "latent_map",
    html=source("latent_map.html"),
    css=source("latent_map.css"),
    js=script("latent_map.js"),
    isolate_styles=False,  # the glossary's words are marked in the document
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


def latent_map(data: dict, on_act: Callable[[dict], None], key: str = "latent_map") -> list[int]:
    """The map; returns the rows that a box or lasso holds: of the space's table, and behind it of `placed`. The points themselves the
    browser asks the live socket for (engine/host/ops/points.py).

    `data`: space (id), title (the space's), screen (see for_map), dims ("2" or "3"), colour (one of the screen's), properties (columns
    of numbers that an axis can be), across and up ("map" or one of those), range (the box that the
    flat picture shows, "left_right_bottom_top", or None for all), eye (nine numbers of the solid one's camera, alike), only (ranges of
    columns that are shown, as JSON: {name: [low, high]}, null for an open end), played (how far runs are, "0" to "1"), placed (rows
    like the table's, of what was placed in it), preview (the id of the one that is not kept, or None), a, b, instance (ids or None),
    neighbours ({"of": id, "ids", "distances"} or None), line (that of maps.line, or None), find (a query, "" for all: what is shown).
    `on_act` gets what a person changed: some of dims, colour, across, up, range, eye, only, played, a, b, instance, or {"go": True} for
    "Interpolate".
    """
    result = _mount(
        key=key,
        data=data,
        default={"selection": ""},
        on_selection_change=lambda: None,
        on_act_change=lambda: on_act(st.session_state[key]["act"]),
    )
    return rows_of(str(result.selection or ""))


def rows_of(text: str) -> list[int]:
    """The rows that the script writes as "0-4,7"."""
    spans = [part.split("-") for part in text.split(",") if part]
    return [row for span in spans for row in range(int(span[0]), int(span[-1]) + 1)]
