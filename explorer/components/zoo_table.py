"""The table of a zoo (zoo_table.js): searched, filtered and sorted by the server, a page at a time; linked with the map by the selection's
`find` (a query of engine.host.search) and `instance`."""

from __future__ import annotations

import streamlit as st

from engine.kinds.netspace.space import Space
from explorer import state
from explorer.components import component, script, source
from explorer.tasks import screens

KEY = "zoo_table"
ACTS = ("find", "sort", "instance")

_mount = component(
    "explorer_zoo_table",
    html=source("zoo_table.html"),
    css=source("zoo_table.css"),
    js=script("zoo_table.js"),
    isolate_styles=False,
)


def zoo_table(space: Space) -> None:
    """Show it; what a person filters, sorts by and looks at is selected."""
    shown = screens(space.task.id)
    known = (*shown.colours.values(), *shown.card)
    forms = {each.name: each.form for each in known if each.form in ("percent", "overlap", "decibels")}
    forms |= {str(name): "percent" for name in space.table.columns if str(name).endswith("accuracy")}
    data = {
        "space": space.id,
        "find": state.get("find") or "",
        "sort": state.get("sort") or "",
        "instance": state.get("instance"),
        "quality": shown.quality and shown.quality.data(),
        "forms": forms,
    }

    def act() -> None:
        values = st.session_state[KEY].get("act")
        if isinstance(values, dict) and values.get("of") == space.id:
            state.remember(**{name: values[name][: state.LONGEST] or None for name in ACTS if isinstance(values.get(name), str)})

    _mount(data=data, key=KEY, on_act_change=act)
