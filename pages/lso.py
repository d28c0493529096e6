"""LSO: gradient descent on an embedding, live; before and after; what was found becomes an instance of the space."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import ExplorerError
from explorer import captions, controls, data, jobs, lso, navigation, services, state
from explorer.components.jobs import lso_view
from explorer.tasks import screens

LINE = "Gradient descent moves one point of the space until the network decoded there does better; the decoder stays as it is."
HOW = """
Latent space optimisation (NetSpace, section IV). Thin lines are measured on the training batch of each step, thick ones on the validation
split, which picks the best step; the test split only reports, at the end. On the map each place of the embedding is drawn at the
mean of its 15 nearest embeddings, as UMAP weighs neighbours, however far they are; stars are networks that were kept. Hollow
markers lie outside the zoo.
"""


def choose_start(where: dict) -> None:
    """A click on the map."""
    if "a" in where:
        state.remember(start="instance", instance=where["a"], xy=None)
    elif isinstance(where.get("xy"), list):
        state.remember(start="map", xy=f"[{float(where['xy'][0]):.3f}, {float(where['xy'][1]):.3f}]")


with navigation.heading("lso"):
    space = controls.pick_space()
if space is None:
    st.stop()
shown = screens(space.task.id)
if missing := shown.missing(space):
    data.panel(missing, f"LSO of a {space.task.one} needs")
if not lso.objectives(space):
    st.info(f"Spaces of {space.task.many} cannot be optimised yet.", icon=":material/trending_up:")
    st.stop()
problem, locked = jobs.ready(), services.locked()
job = jobs.selected("lso")
if job is not None and job.spec["config"]["space"] != space.id:
    job = None
first, second, third = st.columns([5, 5, 2], vertical_alignment="top")
with first:
    start = lso.pick_start(space)
with second:
    fields = {**start, **lso.pick_objective(space)}
with third:
    with st.popover("Settings", icon=":material/tune:", width="stretch"):
        fields |= lso.pick_rest(fields["objective"])
    able = not locked and lso.launchable(space, fields)
    if st.button("Launch", type="primary", icon=":material/rocket_launch:", width="stretch", disabled=not able, key="lso_launch"):
        try:
            job = jobs.launch({"kind": "lso", "config": {"space": space.id, **fields}})
        except ExplorerError as error:
            st.error(str(error))
    if lso.launchable(space, fields):
        lso.offer_code(space, fields)
if problem:
    st.warning(f"No worker could be started: {problem}", icon=":material/engineering:")
jobs.watch()
seen = st.container()  # above the choice of runs to compare, which it needs
runs = {row["id"]: row for row in jobs.recent("lso", space.id)}
if len(runs) > 1 or runs and job is None:
    others = [id_ for id_ in runs if job is None or id_ != job.id]
    compared = st.multiselect(
        "Compare with other runs of this space",
        others,
        format_func=lambda id_: f"{id_} · {runs[id_]['title']} · {runs[id_]['state']}",
        max_selections=6,
        key="lso_compare",
    )
else:
    compared = []
objective = job.spec["config"]["objective"] if job else fields["objective"]
start = lso.start_on_map(space, start)
with seen:
    if job is not None:
        lso.before_and_after(space, job)
    lso_view(
        {
            "space": space.id,
            "version": len(space.table),
            **lso.quality(space, objective),
            "job": job.id if job else None,
            "others": compared,
            "start": start,
        },
        choose_start,
    )
if start and start["words"]:
    st.markdown(f"The start (the ring): {start['words']}")
captions.show(LINE, HOW + shown.lso_note(space))
