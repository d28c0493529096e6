"""Shapes: drag from one chair to another and see the network on the way as its surface."""

from __future__ import annotations

import streamlit as st

from engine.kinds.netspace import placed_shapes
from explorer import captions, cards, code, controls, navigation, placing, services, state
from explorer.components.shapes import LEVEL, RESOLUTIONS, SHAPES, shapes

with navigation.heading("shapes"):
    space = controls.pick_space("distances")
if space is None:
    st.stop()
mine = placed_shapes.listed(services.store(), space.id)
ids = [*space.table["id"], *(each.id for each in mine)]
a, b = controls.first_shapes(space)
selected = {
    "a": state.instance("a", ids, a),
    "b": state.instance("b", ids, b),
    "gamma": state.gamma(),
    "shape": state.choice("shape", SHAPES),
    "instance": state.instance("instance", ids, a),
    "level": state.number("level", 0.0, -LEVEL, LEVEL),
    "resolution": int(state.choice("resolution", RESOLUTIONS, "128")),
    "camera": state.get("camera"),
}
said = placing.outside(space, mine)
own = [
    {"id": each.id, "name": str(each.config.get("name", each.id)), "known": each.id not in said or said[each.id].known is not False}
    for each in mine
]
shapes(space, selected, own, on_act=lambda values, of=space.id: controls.act_on(of, values))
captions.show(*cards.trust(space.manifest, space.model.probes))
ends, place = (selected["a"], selected["b"]), {name: selected[name] for name in ("gamma", "resolution", "level")}
mesh = code.call("space.mesh", *ends, **place)
code.offer(
    code.python(space, ends, f'open("shape.glb", "wb").write({mesh})'),
    [code.command(space, ends, "mesh", space.id, *ends, *code.flags(**place), "--output", "shape.glb")],
)
placing.panel(space, mine, said)
