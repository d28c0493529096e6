"""Interpolation: drag between two networks and see what the network that lives there does."""

from __future__ import annotations

import streamlit as st

from explorer import controls, data, navigation, state
from explorer.components.corners import corner_pad, defaults
from explorer.components.interpolation import interpolation, measured

title, picker = st.columns([3, 2], vertical_alignment="bottom")
title.title("Interpolation", anchor=False)
with picker:
    space = controls.pick_space()
if space is not None and space.is_shapes:
    st.info(f"The networks of **{space.manifest.title}** are shapes: they answer a distance at a point of space, not the class of an image. Drag from one to another on Shapes.", icon=":material/chair:")
    navigation.link("shapes", "Open Shapes", ":material/arrow_forward:")
elif space is not None:
    if space.images is None:
        data.panel(space.dataset, "Live accuracies need")
    a, b = controls.pick_anchors(space)
    interpolation(space, a, b, state.gamma())
    navigation.link("lso", "Improve the network under the thumb (LSO)", ":material/trending_up:", start="line")
    if len(space.archs) > 1:
        st.subheader("Between four", anchor=False)
        picks = [column.container() for column in st.columns(4)]
        names = ("lower left", "lower right", "upper left", "upper right")
        corners = []
        for i, (pick, name, default) in enumerate(zip(picks, names, defaults(space))):
            with pick:
                corners.append(controls.pick_instance(f"c{i}", name.capitalize(), space, default))
        corner_pad(space, corners, state.number("x", 0.5, 0, 1), state.number("y", 0.5, 0, 1))
        st.caption(
            f"Each place of the square is the embedding mixed bilinearly from its corners, decoded and loaded into the architecture that the ClassId head finds there; cells that fill in "
            f"take its colour, the stronger the higher its accuracy. {measured(space)} The square is ours; its sides are the lines of fig. 5."
        )
