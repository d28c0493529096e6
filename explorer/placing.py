"""Placing a mesh of one's own in a space of shapes: the panel below the views."""

from __future__ import annotations

import contextlib

import streamlit as st

from engine.core.artifacts import Manifest
from engine.core.errors import ExplorerError
from engine.host import shapes as viewing
from engine.host.placing import PlacingJob
from engine.kinds.netspace import placed_shapes
from engine.kinds.netspace.outside import Outside
from engine.kinds.netspace.space import Space
from engine.tasks.distances.meshes import MAX_BYTES, SUFFIXES
from engine.tasks.distances.pose import Pose
from explorer import captions, posing, services, state

JOB, TURN = "_placing_job", "_placing_turn"
REFRESH = 0.5  # seconds
KINDS = ", ".join(suffix[1:].upper() for suffix in SUFFIXES)
LINE = "A network is fitted to your mesh and placed in the space: a point of the map, and an anchor like any other."
WORDS = """
It is fitted as the zoo's were to their chairs (a mesh need not be watertight: the inside is where its winding
number is above one half), then placed twice: by the encoder alone, and by inversion, gradient descent on the embedding until the decoded
network answers as the fitted one does. Ours, beyond the paper.
"""


def outside(space: Space, mine: list[Manifest]) -> dict[str, Outside]:
    """How far outside of the zoo each placed shape lies, by its id; without those that cannot be read."""
    found = {}
    for each in mine:
        with contextlib.suppress(ExplorerError):  # its view says what is wrong with it
            found[each.id] = viewing.outside_of_placed(services.host(), space.id, each.id)
    return found


def panel(space: Space, mine: list[Manifest], said: dict[str, Outside]) -> None:
    """The uploader, the folder's files, a file that was read, the progress of a mesh on its way, and what has been placed already."""
    st.subheader("Place a shape of your own", anchor=False)
    job: PlacingJob | None = st.session_state.get(JOB)
    if services.locked():
        pass
    elif job is not None and job.space_id == space.id:
        watch()
    elif (read := posing.reading()) is not None:
        posing.panel(read, lambda name, content, pose: begin(space, name, content, pose))
    else:
        choose(space)
    captions.show(LINE, WORDS)
    if mine:
        table(mine, said)


def choose(space: Space) -> None:
    """Drop a file, or pick one of the workspace's folder `meshes`."""
    folder = services.store().workspace / "meshes"
    files = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()) if folder.is_dir() else []
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        turn = st.session_state.setdefault(TURN, 0)
        dropped = st.file_uploader(
            f"Drop a mesh or DeepSDF samples ({KINDS})",
            type=[suffix[1:] for suffix in SUFFIXES],
            key=f"mesh_{turn}",
            max_upload_size=MAX_BYTES >> 20,
        )
    with right:
        name = st.selectbox(
            "Or choose one from the folder",
            files,
            index=None,
            placeholder="meshes/ in your workspace" if files else "meshes/ in your workspace is empty",
            disabled=not files,
            key=f"folder_mesh_{turn}",
        )
    if dropped is not None:
        read(dropped.name, dropped.getvalue())
    elif name is not None:
        try:
            read(name, (folder / name).read_bytes()[: MAX_BYTES + 1])
        except OSError as error:
            st.error(f"{name} cannot be opened ({error.strerror}). Check that it exists and is readable.", icon=":material/error:")


def read(name: str, content: bytes) -> None:
    st.session_state[TURN] += 1
    posing.begin(name, content)
    st.rerun()


def begin(space: Space, name: str, content: bytes, pose: Pose) -> None:
    st.session_state[JOB] = PlacingJob(services.host(), space.id, name[:100], content, pose).start()
    st.rerun()


@st.fragment(run_every=REFRESH)
def watch() -> None:
    """Progress of the session's job; when it is placed, it is shown."""
    job: PlacingJob = st.session_state[JOB]
    if job.error is not None:
        st.error(f"Placing failed: {job.error}", icon=":material/error:")
        if st.button("Choose another mesh"):
            del st.session_state[JOB]
            st.rerun()
    elif job.id is not None:
        del st.session_state[JOB]
        state.remember(shape="instance", instance=job.id)
        st.rerun()
    else:
        with st.container(horizontal=True, vertical_alignment="center", key="placing"):
            st.progress(job.share, f"{job.name}: {job.stage}")
            st.button(
                "Stop",
                on_click=job.stop,
                help="Places the network as fitted so far",
                disabled=job.share >= 0.85,
            )


def table(mine: list[Manifest], outside: dict[str, Outside]) -> None:
    """What has been placed, with both ways of placing side by side, and how far outside of the zoo it lies."""
    for each in mine:
        figures = {name: each.metrics.get(name, {}).get("value") for name in ("fit_iou", "encoded_iou", "placed_iou", "nearest_iou")}
        said = {name: "–" if value is None else f"{value:.3f}" for name, value in figures.items()}
        with st.container(horizontal=True, vertical_alignment="center", key=f"row_{each.id}"):
            st.markdown(
                f"{state.quoted(each.config.get('name', each.id))} IoU by the encoder **{said['encoded_iou']}**, with inversion "
                f"**{said['placed_iou']}** (nearest known {said['nearest_iou']}, fit {said['fit_iou']})"
                + (f"  \n{outside[each.id].words}" if each.id in outside else "")
            )
            st.button("Show", key=f"show_{each.id}", on_click=lambda id_=each.id: state.remember(shape="instance", instance=id_))
            st.button("Use as A", key=f"a_{each.id}", on_click=lambda id_=each.id: state.remember(shape="path", a=id_))
            st.button("Use as B", key=f"b_{each.id}", on_click=lambda id_=each.id: state.remember(shape="path", b=id_))
            st.button(
                "", key=f"forget_{each.id}", icon=":material/delete:", help="Remove it from the workspace", on_click=remove, args=(each.id,)
            )


def remove(id_: str) -> None:
    """Forget a placed shape, and whatever view shows it."""
    try:
        placed_shapes.forget(services.store(), id_)
    except ExplorerError:  # gone already
        pass
    state.mend(**{name: None for name in ("a", "b", "instance") if state.get(name) == id_})
