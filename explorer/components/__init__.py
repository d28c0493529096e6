"""Live controls: a .py that mounts each, beside its .js and .css. Those share mount.js (a view's life) and live.js (the socket,
latest-wins, frames).

Streamlit takes a component's script as one string, so shared files are joined: source("live.js", "interpolation.js").
"""

from __future__ import annotations

from pathlib import Path


def source(*names: str) -> str:
    """The text of files of this folder, one after the other."""
    return "\n".join(Path(__file__).with_name(name).read_text("utf-8") for name in names)
