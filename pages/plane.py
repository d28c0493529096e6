"""Plane: three networks, and how well the networks of the plane through them do."""

from __future__ import annotations

import streamlit as st

from engine.kinds.netspace.plane import FARTHEST
from explorer import captions, code, controls, data, navigation, state
from explorer.components.plane import CORNERS, draw_three, paths, three_planes
from explorer.tasks import screens

MIXED = (
    "**Decoded**: the network at A + u (B − A) + v (C − A) of the embeddings. **Weights mixed as they are**: the same mixture of the "
    "three networks' own weights. **After alignment**: the same once the units of B and C are in the order of A's that they are most "
    "like (Git Re-Basin, weight matching), so that B and C are the same networks, mixed fairly. The triangle is drawn with equal sides "
    "in each map, whatever the distances; a place is the same mixture in all. Lines: {lines}. The planes are ours, after those of Garipov "
    "et al. (2018)."
)
SEVERAL = (
    "Each place is the embedding A + u (B − A) + v (C − A), decoded and loaded into the architecture that the ClassId head finds there. "
    "Weights of different architectures cannot be mixed: choose three networks of one architecture to see those planes as well."
)

with navigation.heading("plane"):
    space = controls.pick_space()
if space is None:
    st.stop()
if len(space.table) < 3:
    st.info("A plane goes through three networks, and this space holds fewer.", icon=":material/change_history:")
    st.stop()
shown = screens(space.task.id)
if missing := shown.missing(space):
    data.panel(missing, f"{shown.planes.needs} in the plane need", space.task.alone)
    if not space.task.alone:  # nothing is stored of them
        st.stop()

corners = []
for column, name, default in zip(st.columns(3), CORNERS, shown.three(space)):
    with column:
        corners.append(controls.pick_instance(name, name.upper(), space, default))
st.button(
    "Three at random",
    icon=":material/casino:",
    type="tertiary",
    on_click=draw_three,
    args=(space,),
)
if len(set(corners)) < 3:
    st.info("A plane goes through three different networks: choose another A, B or C.", icon=":material/change_history:")
    st.stop()
three_planes(space, corners, *(state.number(name, round(1 / 3, 4), -FARTHEST, FARTHEST) for name in "uv"))
how = MIXED.format(lines=shown.planes.written) if len(paths(space, corners)) > 1 else SEVERAL
captions.show(f"Each place is a network, {shown.planes.line}. Click to keep one; arrow keys move it.", f"{shown.plane_words(space)} {how}")
if missing is None:
    code.offer(code.python(space, corners, *(code.call("space.plane", *corners, path=path) for path in paths(space, corners))))
