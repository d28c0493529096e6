"""Jobs as components: the LSO screen's map and curves, a training's curves and log, the tray of what runs."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.components import component, script, source

PAGES = {"lso": "lso", "train": "training", "import": "training"}

_css = source("jobs.css")
_lso = component(
    "explorer_lso",
    html=source("lso.html"),
    css=_css,
    js=script("lso.js"),
    isolate_styles=False,
)
_training = component(
    "explorer_training",
    html=source("training_job.html"),
    css=_css,
    js=script("training_job.js"),
    isolate_styles=False,
)
_tray = component(
    "explorer_tray",
    html='<nav class="tray" data-testid="job-tray" aria-label="Jobs" hidden></nav>',
    css=_css,
    js=script("job_tray.js"),
    isolate_styles=False,
)


def lso_view(data: dict, on_start: Callable[[dict], None], key: str = "lso") -> None:
    """Map and curves. `data`: space, version (changes when the space's instances do), job (id or None), others (ids of runs to
    compare), start ({"xy": [x, y]} or None). `on_start` gets {"a": instance} or {"xy": [x, y]} of a click on the map."""
    _lso(data=data, key=key, on_start_change=lambda: on_start(st.session_state[key]["start"]), on_turned_change=lambda: None)


def training_view(job: str, key: str = "training") -> None:
    """A training job as it goes."""
    _training(data={"job": job}, key=key, on_turned_change=lambda: None)


def job_tray() -> None:
    """What runs and what just ended, each a link to its page."""
    _tray(data={"pages": PAGES}, key="tray", height="content")
