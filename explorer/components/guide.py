"""The way around a page, on every page (guide.js)."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.components import component, script, source

KEY = "guide"

_mount = component(
    "explorer_guide",
    html=source("guide.html"),
    css=source("controls.css", "guide.css"),
    js=script("guide.js"),
    isolate_styles=False,  # it leads to what is outside of it
)


def guide(hero: str) -> None:
    """The page's first stop of the Tab key, which leads to the first element that the selector `hero` finds, its keys and the tour."""
    _mount(data={"hero": hero}, key=KEY, height="content", on_step_change=step)


def step() -> None:
    """Take back what was selected last, or select it again, and say what that was."""
    back = st.session_state[KEY]["step"] == "back"
    if changed := state.step(back):
        st.toast(f"{'Taken back' if back else 'Selected again'}: {changed}", icon=":material/undo:" if back else ":material/redo:")
    else:
        st.toast(f"Nothing to {'take back' if back else 'select again'} on this page.", icon=":material/undo:")
