"""A network to take away, on any page: one row of buttons, a format each."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.nets.export import formats, one_file
from explorer import services

WORDS = {
    "safetensors": "Tensors, with what they are in the header",
    "folder": "A zip that runs with torch and safetensors alone",
    "pt2": "A program of torch.export",
    "onnx": "An ONNX model, for any runtime",
}  # as the live screens say it


def network(label: str, name: str, data: Callable[[], bytes], key: str) -> None:
    """Buttons that download a network in each format; `data` gives its safetensors file when one is pressed, `name` is without suffix."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"take_{key}"):
        st.markdown(label)
        for form in formats.names():
            st.download_button(
                form,
                lambda form=form: services.host().run_long(one_file, data(), form)[1],
                f"{name}{formats.of(form).SUFFIX or '.zip'}",
                "application/octet-stream",
                on_click="ignore",
                key=f"take_{key}_{form}",
                help=WORDS[form],
            )
