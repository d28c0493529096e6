"""A shape of one's own between the file and its place: it is read in the background, shown, and stood upright by its owner."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.host.placing import ReadingJob
from engine.tasks.distances.pose import AXES, Pose
from explorer.components.shape_pose import shape_pose

READING, TURNS, UP = "_reading_job", "_pose_turns", "_pose_up"
REFRESH = 0.3  # seconds


def begin(name: str, content: bytes) -> None:
    """Read a file; :func:`panel` shows what becomes of it."""
    st.session_state.pop(UP, None)
    st.session_state[TURNS] = 0
    st.session_state[READING] = ReadingJob(name, content).start()


def reading() -> ReadingJob | None:
    """The session's file that is being read, or that waits to be placed."""
    return st.session_state.get(READING)


def forget() -> None:
    st.session_state.pop(READING, None)


def panel(job: ReadingJob, place: Callable[[str, bytes, Pose], None]) -> None:
    """The file's progress; once it is read its picture, its up axis and a quarter turn. `place` gets it as its owner leaves it."""
    if job.shown is None:
        watch()
        return
    pose = Pose(st.session_state.get(UP) or AXES[0], st.session_state[TURNS] % 4)
    picture, controls = st.columns([3, 2], vertical_alignment="center")
    with picture:
        shape_pose(job.shown, pose, f"pose_{id(job)}")
    with controls:
        st.markdown(f"`{job.name}`, {len(job.shown.faces_F3):,} triangles")
        st.segmented_control("Which axis of the file points up?", AXES, default=AXES[0], key=UP, required=True)
        help_ = "Turns it about its up axis; the space's chairs face the camera"
        st.button("Quarter turn", icon=":material/rotate_90_degrees_ccw:", on_click=turn, help=help_)
        for note in job.notes:
            st.caption(f":material/build: {note}")
        with st.container(horizontal=True):
            if st.button("Place it", type="primary", key="place_it"):
                forget()
                place(job.name, job.content, pose)
            st.button("Choose another file", on_click=forget)


def turn() -> None:
    st.session_state[TURNS] += 1


@st.fragment(run_every=REFRESH)
def watch() -> None:
    """Progress of the reading; when it is done the page goes on."""
    job = reading()
    if job is None:
        return
    if job.error is not None:
        st.error(job.error, icon=":material/error:")
        if st.button("Choose another file", key="other_after_error"):
            forget()
            st.rerun()
    elif job.shown is not None:
        st.rerun()
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(0.0, f"Reading {job.name}")
            st.button("Stop", on_click=job.stop)
