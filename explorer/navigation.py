"""The screens, and links between them that carry the selection."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from engine.core.places import PAGES
from explorer import state
from explorer.components.jobs import job_tray

SCREENS = {  # file: title, icon; in the order of the bar. The URL's path is the file's name with dashes.
    "home": ("Home", ":material/home:"),
    "latent_map": ("Latent map", ":material/scatter_plot:"),
    "interpolation": ("Interpolation", ":material/linear_scale:"),
    "plane": ("Plane", ":material/change_history:"),
    "shapes": ("Shapes", ":material/chair:"),
    "preps": ("PReps", ":material/grid_on:"),
    "properties": ("Properties", ":material/query_stats:"),
    "nern": ("NeRN", ":material/memory:"),
    "lso": ("LSO", ":material/trending_up:"),
    "papers": ("Papers", ":material/menu_book:"),
    "training": ("Training", ":material/model_training:"),
}


def url_path(name: str) -> str:
    """The URL's path of that screen, without its slash."""
    return "" if name == "home" else name.replace("_", "-")


def page(name: str) -> st.Page:
    """The screen of that file name."""
    title, icon = SCREENS[name]
    return st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=url_path(name), default=name == "home")


def link(name: str, label: str | None = None, icon: str | None = None, **changes: object) -> None:
    """A link to a screen with the present selection and changes to it: link("interpolation", a="z003", b="z017")."""
    st.page_link(page(name), label=label, icon=icon, query_params={} if name == "home" else state.query(**changes))


def go(name: str, **changes: object) -> NoReturn:
    """Open a screen now (from a button), with the present selection and changes to it."""
    st.switch_page(page(name), query_params=state.query(**changes))


def bar() -> None:
    """The row of links at the head of every screen. Not st.navigation's own, whose links drop the query."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="bar"):
        for name in SCREENS:
            link(name)
        job_tray()
