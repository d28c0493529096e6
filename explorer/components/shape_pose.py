"""A mesh that a person brings, before it is placed: its picture, to turn and to see which way up it stands (shape_pose.js)."""

from __future__ import annotations

import base64

from engine.tasks.distances.meshing import Mesh
from engine.tasks.distances.pose import Pose
from explorer.components import component, script

HTML = """
<figure class="sp"><div class="sp-stage" data-testid="pose" tabindex="0" role="application"
  aria-label="The file's shape as it would be placed. Arrow keys turn the view, + and - zoom, 0 resets.">
  <canvas></canvas></div><figcaption>As it would be placed: up is up.</figcaption></figure>
"""
CSS = """
.sp { margin: 0; }
.sp-stage { position: relative; height: 19rem; overflow: hidden; cursor: grab; touch-action: none; contain: strict; }
.sp-stage { border-radius: 8px; border: 1px solid var(--st-border-color); }
.sp-stage:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.sp-stage canvas, .sp-stage .sh-plotly { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.sp figcaption { color: color-mix(in srgb, var(--st-text-color) 65%, transparent); font-size: 0.82rem; margin-top: 0.3rem; }
"""

_mount = component(
    "explorer_shape_pose",
    html=HTML,
    css=CSS,
    js=script("shape_pose.js"),
    isolate_styles=False,
)


def shape_pose(shape: Mesh, pose: Pose, key: str) -> None:
    """Show a mesh of the reader in a pose."""
    data = {"name": key, "vertices": encoded(shape.vertices_V3.astype("<f4")), "faces": encoded(shape.faces_F3.astype("<u4"))}
    _mount(data={**data, "matrix": pose.matrix().flatten().tolist(), "pose": f"{pose.up} {pose.turn}"}, key=key)


def encoded(array) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
