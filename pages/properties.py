"""Properties: how well a linear probe reads what is known of a zoo's networks off their embeddings."""

from __future__ import annotations

import streamlit as st

from engine.core import cells
from engine.core.errors import ExplorerError
from explorer import captions, code, controls, navigation, properties, state, theme

CAPTION = """
For each property of the zoo's table a probe is fitted on {train} training instances (a ridge for numbers, a logistic regression for
categories), its regularisation is chosen on {val} validation instances, and it is measured on {test} held-out ones: R² (1 is
perfect, 0 no better than their mean) and Kendall's tau of numbers, the share of right answers of categories. In brackets the 95 % interval
over 1,000 draws of the held-out instances, with repetition. *Weight statistics*: mean, variance and five quantiles of each parameter tensor
(Unterthiner et al., 2020). *PCA of weights*: their coordinates along the training weights' principal axes, 64 at most. Where values span
more than two orders of magnitude, their logarithm is probed.
"""

with navigation.heading("properties"):
    space = controls.pick_space()
if space is None:
    st.stop()
try:
    found = properties.of_space(space)
except ExplorerError as error:
    st.info(str(error), icon=":material/rule:")
    st.stop()
table = properties.table(found)
st.subheader("What an embedding knows", anchor=False)
st.dataframe(cells.harmless_table(table), hide_index=True, key="properties_table")
st.download_button(
    "Download CSV", cells.csv_of(table), f"{space.id}-properties.csv", "text/csv", icon=":material/download:", on_click="ignore"
)
code.offer(code.python(space, (), "print(space.properties())"), [code.command(space, (), "properties", space.id)])
names = [each.name for each in found]
name = st.selectbox("Property", names, format_func=properties.label, **state.bound("property", names, what="property"))
each = found[names.index(name)]
event = st.plotly_chart(
    properties.scatter(each, theme.current()["chartCategoricalColors"]), key=f"properties-{space.id}-{name}", on_select="rerun",
    selection_mode="points",
)  # fmt: skip
if instance := properties.clicked(event):
    del st.session_state[f"properties-{space.id}-{name}"]
    navigation.go("latent_map", instance=instance)
st.markdown(f"Predicted against true, of {len(each.true_H)} held-out instances; a click on a point opens the map there.")
captions.show("How well each property can be read off the embeddings.", CAPTION.format(**properties.counts(space)))
