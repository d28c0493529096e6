"""A caption: one plain line, and how it is measured, which opens. In a component caption.js shows it."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

HOW = "How it is measured"


class Caption(NamedTuple):
    """One plain line, and what stands behind it ("" where nothing does), both Markdown on a page and plain text in a component."""

    line: str
    how: str = ""


def show(line: str, how: str = "", opens: str = HOW) -> None:
    """The line, and what stands behind it under `opens`."""
    with st.container(gap=None):
        st.markdown(line)
        if how:
            with st.expander(opens, type="compact"):
                st.markdown(how)
