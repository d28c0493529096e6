"""Interpolation between two images that are networks, as one component (signals.js)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from explorer.captions import Caption
from explorer.components import component, script, source
from explorer.components.interpolation import committed

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

KEY = "signals"
LINE = "Left the image that the space makes at gamma; right the same mixture of the weights, as they are and aligned."
HOW = (
    "Each network of {count} parameters ({arch}) maps a point of the picture to a brightness and was fitted to {shown}. It is drawn at "
    "{moving} points per axis while the thumb moves and at {resting} when it rests. Left: the network decoded from (1 − gamma) e_A + "
    "gamma e_B. Right: the same gamma applied to the weights of A and B, as they are and after B's units are matched to A's (Git "
    "Re-Basin). Measured live, on those pixels: PSNR to the networks of A and B."
)

_mount = component(
    "explorer_signals",
    html=source("signals.html"),
    css=source("live.css", "walk.css", "interpolation.css", "signals.css"),
    js=script("signals.js"),
    isolate_styles=False,
)


def signals(space: Space, a: str, b: str, gamma: float, shown: str) -> None:
    """Show the line from anchor `a` (gamma 0) to `b` (gamma 1), the thumb at `gamma`. Releasing it selects its gamma. `shown`: what the
    networks were fitted to, in words."""
    words = {"count": space.arch.parameters, "arch": space.arch.id, "moving": 64, "resting": 256, "shown": shown}
    data = {"space": space.id, "a": a, "b": b, "gamma": gamma, "caption": Caption(LINE, HOW.format(**words))}
    _mount(data=data, key=KEY, on_gamma_change=lambda: committed(st.session_state[KEY].get("gamma")))
