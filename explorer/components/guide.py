"""The way around a page, on every page (guide.js)."""

from __future__ import annotations

from streamlit.components.v2 import component

from explorer.components import script, source

_mount = component(
    "explorer_guide",
    html='<div><button type="button" class="skip">Skip to what this page is for</button></div>',
    css=source("controls.css", "guide.css"),
    js=script("guide.js"),
    isolate_styles=False,  # it leads to what is outside of it
)


def guide(hero: str) -> None:
    """Put a link before all others that moves the keyboard's focus to the first element that the selector `hero` finds."""
    _mount(data={"hero": hero}, key="guide", height="content")
