"""Interpolation: drag between two networks and see what the network that lives there does."""

from __future__ import annotations

from explorer import controls, navigation
from explorer.tasks import screens

with navigation.heading("interpolation"):
    space = controls.pick_space()
if space is not None:
    screens(space.task.id).interpolation(space)
