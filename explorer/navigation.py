"""The screens, and links between them that carry the selection."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.core.places import PAGES
from explorer import state
from explorer.components.jobs import job_tray


@dataclass(frozen=True)
class Screen:
    """A screen: its title, icon, group in the bar ("" stands alone), what it is for in one sentence, its name in the bar where that is
    another, the selector of its hero: what a keyboard gets to first."""

    title: str
    icon: str
    group: str
    purpose: str
    short: str = ""
    hero: str = ".ip-thumb"


EXPLORE, INSIDE, IMPROVE = "Explore", "Look inside", "Improve"
SCREENS = {  # by file, in the order of the bar. The URL's path is the file's name with dashes.
    "home": Screen("Home", ":material/home:", "", ""),
    "latent_map": Screen(
        "Latent map",
        ":material/scatter_plot:",
        EXPLORE,
        "Every trained network as a point, near those that answer alike.",
        "Map",
        ".lm-stage",
    ),
    "interpolation": Screen(
        "Interpolation", ":material/linear_scale:", EXPLORE, "Walk from one network to another: each on the way is run.", "Interpolate"
    ),
    "plane": Screen(
        "Plane",
        ":material/change_history:",
        EXPLORE,
        "How well the networks between three trained ones do, in the space and mixed.",
        hero=".pl-thumb",
    ),
    "shapes": Screen(
        "Shapes",
        ":material/chair:",
        EXPLORE,
        "Networks that are shapes: walk from one to another, turn what is there.",
        hero=".sh-main .ip-thumb, .sh-stage",
    ),
    "preps": Screen(
        "PReps",
        ":material/grid_on:",
        INSIDE,
        "All parameters of a network as a picture, beside what the space predicts.",
        hero=".pv canvas",
    ),
    "properties": Screen(
        "Properties",
        ":material/query_stats:",
        INSIDE,
        "What can be told of a network from its embedding alone.",
        hero='[data-testid="stDataFrame"]',
    ),
    "nern": Screen("NeRN", ":material/memory:", INSIDE, "A small network that stores the kernels of a larger one: prune it, look at them."),
    "lso": Screen("LSO", ":material/trending_up:", IMPROVE, "Improve a network by walking through the space.", hero=".st-key-lso_launch"),
    "training": Screen(
        "Training",
        ":material/model_training:",
        IMPROVE,
        "Train zoos, spaces and NeRNs, and import the zoos of others.",
        hero=".st-key-pick_preset",
    ),
    "papers": Screen(
        "Papers", ":material/menu_book:", "", "Every table and figure of both papers, our numbers beside theirs.", hero=".st-key-pick_words"
    ),
}


def url_path(name: str) -> str:
    """The URL's path of that screen, without its slash."""
    return "" if name == "home" else name.replace("_", "-")


def hero(path: str) -> str:
    """The selector of what the screen of that URL's path is for."""
    return next(screen.hero for name, screen in SCREENS.items() if url_path(name) == path)


def page(name: str) -> st.Page:
    """The screen of that file name."""
    of = SCREENS[name]
    return st.Page(PAGES / f"{name}.py", title=of.title, icon=of.icon, url_path=url_path(name), default=name == "home")


def link(name: str, label: str | None = None, icon: str | None = None, **changes: object) -> None:
    """A link to a screen with the present selection and changes to it: link("interpolation", a="z003", b="z017")."""
    st.page_link(page(name), label=label, icon=icon, query_params={} if name == "home" else state.query(**changes))


def go(name: str, **changes: object) -> NoReturn:
    """Open a screen now (from a button), with the present selection and changes to it."""
    st.switch_page(page(name), query_params=state.query(**changes))


def groups() -> list[tuple[str, list[str]]]:
    """The bar's groups in their order, each with its screens."""
    return [(group, [name for name, _ in found]) for group, found in groupby(SCREENS.items(), lambda each: each[1].group)]


def bar() -> None:
    """The links at the head of every screen: a row, on a phone a menu. Not st.navigation's own, whose links drop the query."""
    with st.container(key="bar"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap=None, key="links"):
            for at, (group, names) in enumerate(groups()):
                with st.container(horizontal=True, gap=None, width="content", key=f"group_{at}"):
                    if group:
                        st.html(f'<span class="group">{group}</span>', width="content")
                    for name in names:
                        link(name, SCREENS[name].short or None, "")
        with st.container(key="menu"), st.popover("Menu", icon=":material/menu:"):
            for group, names in groups():
                if group:
                    st.caption(group)
                for name in names:
                    link(name)
        job_tray()


def heading(name: str, picker: bool = True) -> DeltaGenerator:
    """The screen's title and what it is for. Returns the place beside them, where a picker goes; without one they are as wide as the
    screen."""
    left, right = st.columns([3, 2], vertical_alignment="bottom") if picker else (st.container(), st.container())
    left.title(SCREENS[name].title, anchor=False)
    left.markdown(SCREENS[name].purpose)
    return right
