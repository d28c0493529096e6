"""Interpolation: drag between two networks and see what the network that lives there does."""

from __future__ import annotations

import streamlit as st

from explorer import controls
from explorer.tasks import screens

title, picker = st.columns([3, 2], vertical_alignment="bottom")
title.title("Interpolation", anchor=False)
with picker:
    space = controls.pick_space()
if space is not None:
    screens(space.task.id).interpolation(space)
