"""Interpolation: drag between two networks and see what the network that lives there does."""

from __future__ import annotations

import streamlit as st

from explorer import controls, navigation, state
from explorer.components.interpolation import interpolation

title, picker = st.columns([3, 2], vertical_alignment="bottom")
title.title("Interpolation", anchor=False)
with picker:
    space = controls.pick_space()
if space is not None:
    a, b = controls.pick_anchors(space)
    interpolation(space, a, b, state.gamma())
    navigation.link("lso", "Improve the network under the thumb (LSO)", ":material/trending_up:", start="line")
