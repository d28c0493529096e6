"""Zoos on the Training page: somebody's zoo is imported as a job, and a zoo without a space gets one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from engine.core.errors import ExplorerError
from engine.core.slugs import slug
from engine.jobs import specs
from engine.kinds.netspace.auto import PRESET, AutoSpaceConfig
from engine.kinds.netspace.kind import KIND_OBJECT as NETSPACE
from engine.plan import inputs_of
from engine.zoos.config import ImportConfig
from explorer import captions, jobs, services

IMPORT = """
The raw Model Zoos and other runs of Ray Tune, the Small CNN Zoo, splits in a JSON, Hugging Face folders, one
stacked .npz or safetensors file, or another explorer's zoo. What cannot be read is left out and named in the log. Stop keeps what was read,
Resume continues. On the command line: `zoo import PATH`.
"""

MESHES = """
OBJ, PLY, STL, OFF, GLB and DeepSDF files, at any depth. What cannot be read is left out and named in the log, as are fits that fail. On
the command line: `zoo import PATH --as shapes --up z`.
"""


def importing() -> None:
    """A form for an import, and its launch."""
    captions.show("A folder of checkpoints, or a zoo that others trained.", IMPORT, "What can be read")
    values = jobs.form(ImportConfig(), "import", columns=4)
    name = slug(st.text_input("Name of the zoo", placeholder="zoo- and the folder's name", key="import_name"))
    replace = jobs.may_replace(name, "import_replace")
    if st.button("Import", icon=":material/download:", key="import_launch"):
        try:
            jobs.launch({"kind": "import", "config": values, **({"id": name} if name else {}), **({"replace": True} if replace else {})})
        except ExplorerError as error:
            st.error(str(error))
        else:
            st.rerun()


def meshes() -> None:
    """A form for a zoo of a folder of shapes, and the launch of its fits."""
    from engine.tasks.distances.pose import AXES
    from engine.zoos.shapes import PRESET as FITS
    from engine.zoos.shapes import own_name, planned

    captions.show("A network is fitted to each mesh or DeepSDF file of a folder on the server.", MESHES)
    left, middle, right = st.columns([3, 1, 2], vertical_alignment="bottom")
    path = left.text_input("Folder of meshes", key="meshes_path").strip()
    up = middle.selectbox("Up axis", AXES, key="meshes_up", help="The axis of the files that points up.")
    name = slug(right.text_input("Name of the zoo", placeholder="zoo- and the folder's name", key="meshes_name"))
    replace = jobs.may_replace(name, "meshes_replace")
    if st.button("Fit networks to them", icon=":material/deployed_code:", key="meshes_launch"):
        try:
            with st.spinner("Reading the files"):
                config, unread = planned(Path(path or "?"), up)
            spec = specs.of_training(FITS, config, name or own_name(Path(path)), replace=replace)
            jobs.launch(spec)
        except ExplorerError as error:
            st.error(str(error))
        else:
            if unread:
                st.toast(f"{len(unread):,} files cannot be used; the log names them.")
            st.rerun()


def without_space() -> list[str]:
    """Ids of the available zoos that no available space was made from."""
    manifests = services.store().manifests()
    used = {id_ for each in manifests if each.kind == "netspace" for id_ in each.inputs}
    return [each.id for each in manifests if each.kind == "zoo" and each.id not in used]


def offer_spaces() -> None:
    """A button for each zoo that has no space: it launches the training of one, planned from the zoo. What it will do is said before."""
    for zoo in without_space():
        config = AutoSpaceConfig(zoo)
        left, right = st.columns([1, 3], vertical_alignment="center")
        try:
            words = NETSPACE.foreseen(services.store(), config, inputs_of(services.store(), config))
        except ExplorerError as error:
            right.caption(f"No space can be made of {zoo} yet: {error}")
            continue
        right.caption(f"{words} On the command line: `train netspace --zoo {zoo}`.")
        if left.button(f"Train a space of {zoo}", key=f"space_of_{zoo}", icon=":material/scatter_plot:"):
            jobs.launch({"kind": "train", "preset": PRESET, "config": {"zoo": zoo}})
            st.rerun()


def learnt(job: jobs.Job) -> None:
    """What a space has learnt that a job trained by itself, once it is done."""
    if job.spec.get("preset") != PRESET or job.state != "done":
        return
    found = jobs.result(job).get("learnt", {})
    for sentence in found.get("words", []) if isinstance(found.get("words"), list) else []:
        (st.success if found.get("worked") is True else st.warning)(str(sentence))
    st.caption("The end of the log has the figures, beside those of the nearest training instance and of the mean network.")
