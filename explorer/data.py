"""Where a screen's images are not here: which they are, and the click that brings them."""

from __future__ import annotations

from typing import TypeGuard

import streamlit as st

from engine import presets
from engine.core.errors import InvalidValue
from engine.datasets import fetching, known, prepared
from engine.datasets.bringing import Bringing, bring, of
from explorer import services
from explorer.tasks import screens

PAUSE = 0.7  # seconds between two looks at what is on its way
WORDS = {
    "downloading": "Downloading",
    "decoding images": "Decoding images",
    "reading images": "Reading images",
    "opening": "Opening the archive",
    "starting": "Starting",
}


def missing(name: str | None) -> TypeGuard[str]:
    """Whether a data set of that name is needed and not here. Fast."""
    try:
        return bool(name) and name != "digits" and not prepared.here(name)
    except InvalidValue:  # no name of a data set
        return False


def title(name: str) -> str:
    return known.TITLES.get(name, name)


def needed_by(config) -> str | None:
    """The data set of images that a preset's config trains on, its zoo or its original; None where there is none, or it cannot be told."""
    while config.networks_of:
        if config.networks_of not in presets.presets():
            return None
        config = presets.config(config.networks_of)
    return config.dataset if screens(config.TASK).needs_images else None


def panel(name: str, needs: str, stored: bool = True) -> None:
    """Says which images are missing and what `needs` them ("Live accuracies need"), and offers to bring them; `stored`: the screen shows
    figures that were measured elsewhere."""
    with st.container(border=True, key=f"data_{name}"):
        watch(
            name,
            f":material/image_not_supported: **{needs} {title(name)}, which is not on this "
            f"machine.**{' The figures shown are stored, not measured here.' * stored}",
        )


def watch(name: str, words: str) -> None:
    """The panel's inside, drawn again while something is on its way."""
    found = of(name)
    coming = found if found is not None and found.running else None

    @st.fragment(run_every=PAUSE if coming else None)
    def inside() -> None:
        if coming is not None and not coming.running:
            st.rerun()  # it has come, or failed
        st.markdown(words)
        if coming is not None:
            progress(coming)
        else:
            ways(name, found)

    inside()


def progress(found: Bringing) -> None:
    size = found.what == "downloading"
    said = (
        f": {found.done / 1e6:,.0f} of {found.total / 1e6:,.0f} MB"
        if size
        else f": {found.done:,} of {found.total:,}"
        if found.total > 1
        else " ..."
    )
    left, right = st.columns([6, 1], vertical_alignment="center")
    left.progress(min(1.0, found.done / found.total), f"{WORDS.get(found.what, found.what)}{said}")
    if right.button("Stop", key=f"stop_{found.name}", icon=":material/stop:"):
        found.stop.set()


def ways(name: str, found: Bringing | None) -> None:
    """The button that downloads it, the field that takes a folder or archive, and the commands."""
    if found is not None and found.problem:
        st.error(found.problem, icon=":material/error:")
    if services.locked():
        return
    left, middle, right = st.columns([3, 5, 1], vertical_alignment="bottom")
    size = fetching.ARCHIVES[name].bytes if name in fetching.ARCHIVES else 0
    if size and left.button(f"Download ({size / 1e6:,.0f} MB)", type="primary", icon=":material/download:", key=f"get_{name}"):
        bring(name)
        st.rerun()
    path = middle.text_input(
        "Or a folder or archive on the server's machine", key=f"path_{name}", placeholder="/data/images or /data/images.tar.gz"
    )
    if right.button("Add", key=f"add_{name}", width="stretch") and path.strip():
        bring(name, path.strip())
        st.rerun()
    get = f"`python -m engine data get {name}` or " if size else ""
    st.caption(f"In a terminal: {get}`python -m engine data add {name} FOLDER`. Decoded once, into {prepared.home() / name}.")
