"""The NeRN screen as one component: pruning and bits with their accuracy, kernels, importance, smoothness, embeddings (nern_view.js)."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.components import component, script, source

KEY = "nern_view"

_mount = component(
    "explorer_nern",
    html=source("nern_view.html"),
    css=source("live.css", "walk.css", "interpolation.css", "nern_view.css"),
    js=script("nern_view.js"),
    isolate_styles=False,  # Plotly's hover styles live in the document's head
    brief=True,
)


def nern_view(data: dict, on_act: Callable[[dict], None]) -> None:
    """Show an `original` and one of its NeRNs, `nern` (None: there is none yet).

    `data`: original, nern (ids), layers [{name, filters, channels, size}], classes, base, levels (of the NeRN), stored (what its manifest
    says: original, reconstructed, agreement, n, split; or None), and what is selected: prune (0..0.95), bits, layer, filter, channel,
    window, order, class (or None). `brief`: the slider, its figures and some kernels alone, of a `layer` that the answers tell.
    `on_act` gets what a person changed of these.
    """
    _mount(data=data, key=KEY, on_act_change=lambda: on_act(st.session_state[KEY]["act"]))
