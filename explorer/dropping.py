"""A classifier of one's own on the latent map: dropped as a checkpoint, placed in the background, looked at, and kept if wanted."""

from __future__ import annotations

import streamlit as st
import torch

from engine.core.errors import ExplorerError
from engine.host.placing import NetworkJob
from engine.kinds.netspace.space import Space
from engine.kinds.netspace.umap_map import MAP_2D, MAP_3D
from engine.nets.sniffing import SUFFIXES
from explorer import captions, services, state
from explorer.bringing import MAX_MIB

JOB, TURN, AWAY = "_network_job", "_network_turn", "_network_away"
PREVIEW = "placed-not-kept"  # on the map, of what is not an instance yet
REFRESH = 0.3  # seconds
WORDS = (
    "Placed twice: by the encoder alone, and by inversion, gradient descent on the embedding until the decoded network answers as the "
    "file's does. It needs no labels. A network of another architecture is placed by its answers alone. Ours, beyond the paper. On the "
    "command line: `python -m engine place {space} FILE_OR_FOLDER --keep`."
)


def job(space: Space) -> NetworkJob | None:
    """The session's checkpoint on its way into this space, or placed in it."""
    found = st.session_state.get(JOB)
    return found if found is not None and found.space_id == space.id else None


def look(id_: str | None) -> None:
    """A person looks at a point of the map: at the preview, or away from it."""
    found = st.session_state.get(JOB)
    if found is not None and found.placement is not None:
        st.session_state[AWAY] = id_ != PREVIEW


def looked_at() -> bool:
    """Whether the preview, where there is one, is what a person looks at: it is until another point is."""
    return not st.session_state.get(AWAY, False)


def embedding(space: Space) -> torch.Tensor:
    """Where the preview lives [E]."""
    mine = job(space)
    assert mine is not None and mine.placement is not None, "it has a row"
    return mine.placement.embedding_E


def row(space: Space) -> dict | None:
    """The map's row of what is placed and not kept."""
    mine = job(space)
    if mine is None or (found := mine.placement) is None:
        return None
    places = space.place_on_map(found.embedding_E[None])
    return {
        "id": PREVIEW,
        "name": f"{mine.name} (not kept)",
        "split": "placed",
        "architecture": space.at(found.embedding_E).arch.id,
        "test_accuracy": found.figures.get("accuracy"),
        "predicted_test_accuracy": found.figures.get("placed_accuracy"),
        **dict(zip([*MAP_2D, *MAP_3D], [float(value) for place in places for value in place[0]])),
        "hollow": found.outside.hollow,
        "outside_words": found.outside.words,
        "neighbour_percentile": found.outside.percentile,
        "neighbour_multiple": found.outside.multiple,
    }


def panel(space: Space) -> None:
    """The drop zone; a checkpoint's progress; what was found of it, and the button that keeps it."""
    st.subheader("Place a network of your own", anchor=False)
    mine = job(space)
    if services.locked():
        return
    if mine is None:
        turn = st.session_state.setdefault(TURN, 0)
        kinds = [suffix[1:] for suffix in SUFFIXES]
        dropped = st.file_uploader("Drop a file of weights", type=kinds, key=f"map_network_{turn}", max_upload_size=MAX_MIB)
        if dropped is not None:
            st.session_state[TURN] += 1
            st.session_state[AWAY] = False
            st.session_state[JOB] = NetworkJob(services.host(), space.id, dropped.name[-100:], dropped.getvalue()).start()
            st.rerun()
    elif mine.done:
        shown(space, mine)
    else:
        watch()
    captions.show("A network of your own becomes a point of this map.", WORDS.format(space=space.id))


@st.fragment(run_every=REFRESH)
def watch() -> None:
    """The job's progress; when it ends the page goes on."""
    mine: NetworkJob = st.session_state[JOB]
    if mine.done:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(mine.share, f"{mine.name}: {mine.stage}")
        st.button("Stop", on_click=mine.stop)


def shown(space: Space, mine: NetworkJob) -> None:
    """What became of it."""
    if (found := mine.placement) is None:
        st.error(f"Placing failed: {mine.error}", icon=":material/error:")
    else:
        task = space.task
        st.markdown(
            f"{state.quoted(mine.name)}: {task.likeness} by the encoder **{found.encoded_likeness:.3f}**, with inversion "
            f"**{found.likeness:.3f}** (nearest known {found.nearest_likeness:.3f}, {found.nearest}), with {task.likeness_with}."
        )
        st.caption("  \n".join(filter(None, (found.figure_words(), found.note, found.outside.words))))
    with st.container(horizontal=True):
        if found is not None and st.button("Keep it", type="primary", icon=":material/bookmark_add:", help="An anchor on every page"):
            try:
                state.remember(instance=mine.keep())
                del st.session_state[JOB]
                st.rerun()
            except ExplorerError as error:
                st.error(str(error), icon=":material/error:")
        st.button("Drop another file", on_click=lambda: st.session_state.pop(JOB, None))
