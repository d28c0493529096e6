"""Jobs as components: the LSO screen's map and curves, a training's curves and log, the tray of what runs."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.components import source

SAVE = "".join(f'<button type="button" data-do="save" data-value="{kind}" title="Download the curves">{kind.upper()}</button>' for kind in ("png", "svg", "csv"))
HEAD = """
  <div class="job-head">
    <div><b data-part="title"></b><span data-part="words" data-testid="job-words" aria-live="polite"></span></div>
    <progress data-part="progress" aria-label="Progress" value="0" max="1"></progress>
    <div><button type="button" data-do="stop" data-part="stop" hidden>Stop</button><button type="button" data-do="resume" data-part="resume" hidden>Resume</button></div>
  </div>
"""
LSO = f"""
<div class="lso" data-testid="lso">{HEAD}
  <figure data-testid="lso-map" role="group" aria-label="Trajectory on the latent map">
    <div class="job-plot" data-part="map"></div><div class="lso-hint">Click to choose the start</div>
  </figure>
  <figure class="empty" data-testid="lso-curve" data-steps="0" role="group" aria-label="Quality and loss over the steps" data-empty="Quality and loss will grow here, step by step, once an LSO is launched.">
    <div class="job-plot" data-part="curve"></div><div class="job-save">{SAVE}</div>
  </figure>
  <div class="lso-figures">
    <div><span>start, validation</span><b data-part="first">–</b><small data-part="first-step"></small></div>
    <div><span>now, validation</span><b data-part="now">–</b><small data-part="now-step"></small></div>
    <div><span>best, validation</span><b data-part="best" data-testid="lso-best">–</b><small data-part="best-step"></small></div>
    <small></small>
  </div>
  <div class="job-problem" data-part="problem" role="status"></div>
</div>
"""
TRAINING = f"""
<div class="tj" data-testid="training-job">{HEAD}
  <figure class="empty" data-testid="training-curve" role="group" aria-label="Loss and validation over the steps" data-empty="Curves will grow here.">
    <div class="job-plot" data-part="curve"></div><div class="job-save">{SAVE}</div>
  </figure>
  <pre data-part="log" data-testid="job-log" tabindex="0" aria-label="End of the log"></pre>
  <div class="job-problem" data-part="problem" role="status"></div>
</div>
"""
PAGES = {"lso": "lso", "train": "training"}

_css = source("jobs.css")
_lso = st.components.v2.component("explorer_lso", html=LSO, css=_css, js=source("mount.js", "live.js", "csv.js", "job_feed.js", "job_curve.js", "seen.js", "lso.js"), isolate_styles=False)
_training = st.components.v2.component("explorer_training", html=TRAINING, css=_css, js=source("mount.js", "live.js", "csv.js", "job_feed.js", "job_curve.js", "training_job.js"), isolate_styles=False)
_tray = st.components.v2.component(
    "explorer_tray", html='<nav class="tray" data-testid="job-tray" aria-label="Jobs" hidden></nav>', css=_css, js=source("mount.js", "job_feed.js", "job_tray.js"), isolate_styles=False
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
