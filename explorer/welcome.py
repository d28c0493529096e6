"""What Home shows live, as soon as networks can be opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from engine.core.artifacts import Manifest
from engine.core.errors import ExplorerError
from explorer import navigation, services
from explorer.lazily import lazily
from explorer.spaces import first_nern
from explorer.tasks import screens

PAUSE = 0.4  # seconds between two looks at whether networks can be opened

nern_controls = lazily("explorer.nern_controls")


def glimpses(spaces: Sequence[Manifest], titles: Mapping[str, str]) -> None:
    """A live view of the first space of each task, and of a NeRN; what a page holds opens below each."""
    first = {}
    for space in spaces:
        first.setdefault(space.task, space)
    for space in first.values():
        shown = screens(space.task)
        if not shown.welcome:
            continue
        st.subheader(shown.welcome, anchor=False)
        look(lambda: shown.glimpse(space), space.task)
        with st.container(key="way_in" if space is spaces[0] else f"way_in_{space.task}", width="content"):
            navigation.link(shown.path, f"{shown.drag}: {titles[space.id]}", ":material/arrow_forward:", space=space.id)
    if pair := first_nern():
        st.subheader("A network that stores another: prune it, and its kernels and answers follow", anchor=False)
        look(lambda: nern_controls.glimpse(*pair), "nern")
        navigation.link("nern", "Open NeRN", ":material/arrow_forward:")


def look(draw: Callable[[], None], key: str) -> None:
    """A live view; its place while networks cannot be opened yet."""
    if not services.warm():
        st.html(f'<div class="bone" data-testid="waiting-{key}">Opening the networks ...</div>')
        return
    try:
        draw()
    except ExplorerError as error:
        st.warning(str(error), icon=":material/broken_image:")


@st.fragment(run_every=PAUSE)
def wait() -> None:
    """The page is read while the networks load; then they are shown."""
    services.begin_warming()
    if services.warm():
        st.rerun()
