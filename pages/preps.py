"""PReps: the parameters of an instance, and those of the network that the space decodes for it, as pictures."""

from __future__ import annotations

import streamlit as st

from engine.core import cells
from engine.kinds.netspace import placed_shapes
from explorer import captions, charts, code, controls, navigation, preps, services, state, theme
from explorer.components.prep_view import FORMS, VIEWS, prep_view, wrapped_cols
from explorer.tasks import screens

LINE = "All {count} parameters of `{id}`: as it was trained, and as the space predicts it. Point at one to name it."
HOW = """
PRep order (rows filled one after the other, {rows} × {cols}; re-wrapped to
columns that fit the screen), the target as it was trained and as the space predicts it from its embedding. One diverging colour
scale, centred on zero, to the 1st and 99th percentile of the target (±{high:.3f}); lines are layer boundaries. {like}
"""
HELP = """
Drag to pan; double-click, or hold Ctrl and turn the wheel, to zoom (or use +, - and the arrow keys
once a picture has the focus). All pictures move together.
"""
FORMATS = {"png": "image/png", "svg": "image/svg+xml"}


def figure(space, instance: str, target_P, predicted_P, view: str, form: str, crop: dict | None, stops: list[str], kind: str) -> bytes:
    """The view as it is shown, drawn by matplotlib."""
    cols = space.config.prep_width if form == "raw" else wrapped_cols(len(target_P), view)
    box = crop["box"] if crop and not crop["whole"] and crop["cols"] == cols else None
    names = {"pair": ("target", "predicted", "difference"), "swipe": ("target", "predicted"), "difference": ("difference",)}[view]
    note = f"{space.id}: {len(target_P)} parameters in {cols} columns; colours to the target's 1st and 99th percentile"
    return charts.figure_bytes(
        charts.prep_figure(target_P, predicted_P, space.arch.layout, cols, names, box, instance, note, stops),
        kind,
    )


with navigation.heading("preps"):
    space = controls.pick_space()
if space is None:
    st.stop()
if placed_shapes.is_id(state.get("instance")):  # a placed shape is no instance of the zoo
    state.mend(instance=None)
instance = controls.pick_instance("instance", "Instance", space, screens(space.task.id).best(space))
row = space.row(instance)
view, form = state.choice("view", VIEWS), state.choice("form", FORMS)
crop = prep_view({"space": space.id, "instance": instance, "view": view, "form": form}, on_act=lambda values: state.remember(**values))

target_P = space.parameters_NP[row].cpu().numpy()
predicted_P = services.host().run(space.decode, space.embeddings_NE[row : row + 1])[0].cpu().numpy()
facts = space.table.iloc[row]
like = preps.likeness(space, facts, target_P, predicted_P)
sizes = {"rows": space.config.prep_height, "cols": space.config.prep_width, "high": charts.colour_limit(target_P)}
captions.show(LINE.format(count=f"{len(target_P):,}", id=instance), HOW.format(like=like, **sizes) + HELP)
stops = theme.current()["chartDivergingColors"]
with st.container(horizontal=True):
    for kind, mime in FORMATS.items():
        st.download_button(
            f"Figure as {kind.upper()}",
            lambda kind=kind: figure(space, instance, target_P, predicted_P, view, form, crop, stops, kind),
            f"{instance}-{view}.{kind}",
            mime,
            icon=":material/download:",
            on_click="ignore",
        )

alike = [f'print(space.quality(space.at({instance!r}), of={instance!r}))'] if not screens(space.task.id).missing(space) else []
code.offer(
    code.python(space, [instance], code.call("space.preps", instance), *alike),
    [code.command(space, [instance], "export", space.id, instance, "--output", f"{instance}.safetensors")],
)

st.subheader("Layers", anchor=False)
table = charts.statistics(space.arch.layout, target_P, predicted_P)
numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in table.columns[3:]}
st.dataframe(cells.harmless_table(table), hide_index=True, column_config=numbers)
captions.show(
    "Target and predicted network, layer by layer.",
    "sd: standard deviation; norm: Euclidean; relative error: |predicted − target| / |target|; correlation: of a layer's parameters.",
)
st.download_button("Download CSV", cells.csv_of(table), f"{instance}-layers.csv", "text/csv", icon=":material/download:", on_click="ignore")

st.subheader("Values", anchor=False)
st.plotly_chart(charts.histogram(target_P, predicted_P, theme.current()["chartCategoricalColors"]), key=f"histogram-{space.id}-{instance}")
captions.show("How often each value occurs.", "Shares of all parameters, on common bins over the range that holds 99 % of either network.")
