"""Download buttons for a network, on any page: one row, a button for each format."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.nets.export import formats, one_file
from explorer import services


def network(label: str, name: str, data: Callable[[], bytes], key: str) -> None:
    """Buttons that download a network in each format; `data` gives its safetensors file when one is pressed, `name` is without suffix."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"take_{key}"):
        st.markdown(label)
        for form, words in formats.words().items():
            st.download_button(
                form,
                lambda form=form: services.host().run_long(one_file, data(), form)[1],
                f"{name}{formats.of(form).SUFFIX or '.zip'}",
                "application/octet-stream",
                on_click="ignore",
                key=f"take_{key}_{form}",
                help=words,
            )
