"""A picker of one instance of a space, or of another of its lists, among any number (picker.js): what it lists it asks the server for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from explorer import services
from explorer.components import component, script, source
from explorer.tasks import screens

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

_mount = component(
    "explorer_picker",
    html=source("picker.html"),
    css=source("picker.css"),
    js=script("picker.js"),
    isolate_styles=False,
)


def picker(
    key: str,
    label: str,
    space: Space,
    picked: str,
    on_pick: Callable[[str], None],
    first: Sequence[tuple[str, str]] = (),
    free: bool = False,
    help: str = "",
    of: str = "instances",
) -> None:
    """Show what is `picked`, an id; `on_pick` gets another one that a person picks.

    `first`: (id, title) of what can be picked beside the space's instances, listed before them; `free`: whether what is typed with a
    slash in it, ZOO/INSTANCE, can be picked too; `of`: which list of the space is shown, of `engine.host.lists`."""
    more = [{"id": id_, "title": title, "bare": True} for id_, title in first]
    row = next((each for each in more if each["id"] == picked), None) or told(space, picked, of)
    row = row or {"id": picked, "title": picked, "bare": True}  # another zoo's
    quality = screens(space.task.id).quality
    data = {"space": space.id, "of": of, "label": label, "help": help, "row": row, "quality": quality and quality.data(), "first": more}
    data["free"] = free

    def act() -> None:
        value = st.session_state[key].get("pick")
        if isinstance(value, dict) and value.get("space") == space.id and isinstance(value.get("id"), str):
            on_pick(value["id"])

    _mount(data=data, key=key, on_pick_change=act)


def told(space: Space, id_: str, of: str) -> dict | None:
    """What a list tells of one of its rows; None where it has none of that id."""
    from engine.host.lists import list_of

    columns = list_of(of).columns(services.host(), space.id)
    row = columns.row_of(id_)
    return None if row is None else columns.row(row)
