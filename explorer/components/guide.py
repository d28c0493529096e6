"""The way around a page, on every page (guide.js)."""

from __future__ import annotations

from streamlit.components.v2 import component

from explorer.components import script, source

_mount = component(
    "explorer_guide",
    html=source("guide.html"),
    css=source("controls.css", "guide.css"),
    js=script("guide.js"),
    isolate_styles=False,  # it leads to what is outside of it
)


def guide(hero: str) -> None:
    """The page's first stop of the Tab key, which leads to the first element that the selector `hero` finds, and the tour."""
    _mount(data={"hero": hero}, key="guide", height="content")
