"""Training: a preset as a form, what it will cost, the queue, and each job as it goes."""

from __future__ import annotations

import streamlit as st

from engine import presets
from engine.core.config import changed
from engine.core.errors import ExplorerError
from engine.core.slugs import slug
from engine.jobs import backends, specs
from explorer import captions, data, jobs, navigation, services, state, zoos
from explorer.components.jobs import training_view

LINE = "A job keeps running when this page, the browser or the server is closed; its result appears in the pickers of every page."
HOW = """
Its link opens it anywhere. Stop keeps the checkpoint, Resume continues from it; a job whose process dies is resumed once automatically.
Steps, losses and seconds are measured by the job itself.
"""


def new_job() -> None:
    names = list(presets.presets())
    preset = st.selectbox("Preset", names, **state.bound("preset", names))
    base = presets.config(preset)
    if data.missing(name := data.needed_by(base)):
        data.panel(name, "This preset needs", stored=False)
    st.markdown(" ".join((presets.presets()[preset].__doc__ or type(base).__doc__ or "").split()))
    values = jobs.form(base, f"train_{preset}", columns=4)
    words = st.text_input(
        "Name of the artifact", placeholder="the preset's name, plus a hash where fields were changed", key=f"name_{preset}"
    )
    name = slug(words)
    if words.strip() and name != words.strip():
        st.markdown(f"Saved as `{name}`." if name else "That name has no characters in a-z and 0-9: the preset's name is used.")
    try:
        config = changed(base, values)
        spec = specs.parse({"kind": "train", "preset": preset, "config": values, **({"id": name} if name else {})})
    except ExplorerError as error:
        st.error(str(error))
        return
    arguments = tuple(specs.command(specs.of_training(preset, config))[2:])
    left, right = st.columns([1, 3], vertical_alignment="center")
    if left.button("Estimate the cost", icon=":material/timer:", width="stretch"):
        st.session_state["estimated"] = (preset, arguments)
    if st.session_state.get("estimated") == (preset, arguments):
        try:
            right.write(jobs.estimate(preset, arguments))
        except ExplorerError as error:
            right.warning(str(error))
    spec, free = jobs.named(spec)
    if st.button("Launch", type="primary", icon=":material/rocket_launch:", disabled=not free):
        jobs.launch(spec)
        st.rerun()


def where() -> None:
    chosen = backends.chosen(services.store())
    text = st.text_input(
        "Where jobs run",
        chosen,
        help="'local', or ray://HOST:PORT of a Ray cluster's dashboard (pip install -r "
        "requirements-cluster.txt). EXPLORER_JOBS sets it too and takes precedence.",
        key="backend",
    )
    if text != chosen:
        try:
            backends.choose(services.store(), text)
        except ExplorerError as error:
            st.error(str(error))


navigation.heading("training", picker=False)
if services.locked():
    st.stop()
problem, job = jobs.ready(), jobs.selected("train", "import")
if problem:
    st.warning(f"No worker could be started: {problem}", icon=":material/engineering:")
if job is not None:
    training_view(job.id)
    zoos.learnt(job)
with st.expander("New training", expanded=job is None, icon=":material/add:"):
    new_job()
with st.expander("Import a zoo", icon=":material/download:"):
    zoos.importing()
with st.expander("Make a zoo of meshes", icon=":material/deployed_code:"):
    zoos.meshes()
zoos.offer_spaces()
st.subheader("Jobs", anchor=False)
jobs.watch()
jobs.table()
with st.expander("Where jobs run", icon=":material/dns:"):
    where()
captions.show(LINE, HOW)
