"""The NeRN screen as one component: pruning and bits with their accuracy, kernels, importance, smoothness, embeddings (nern_view.js)."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.components import source

KEY = "nern_view"

_mount = st.components.v2.component(
    "explorer_nern",
    html=source("nern_view.html"),
    css=source("interpolation.css", "nern_view.css"),
    js=source("mount.js", "colours.js", "live.js", "csv.js", "live_view.js", "gamma_slider.js", "nern_kernels.js", "nern_panels.js", "nern_view.js"),
    isolate_styles=False,  # Plotly's hover styles live in the document's head
)


def nern_view(data: dict, on_act: Callable[[dict], None]) -> None:
    """Show an `original` and one of its NeRNs, `nern` (None: there is none yet).

    `data`: original, nern (ids), layers [{name, filters, channels, size}], classes, base, levels (of the NeRN), stored (what its manifest says: original, reconstructed,
    agreement, n, split; or None), and what is selected:
    prune (0..0.95), bits, layer, filter, channel, window, order, class (or None). `on_act` gets what a person changed of these.
    """
    _mount(data=data, key=KEY, on_act_change=lambda: on_act(st.session_state[KEY]["act"]))
