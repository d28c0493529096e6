"""The app's handle on jobs, and their specs as forms. Launching and watching is the engine's; the pages only ask."""

from __future__ import annotations

import subprocess
import sys

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine import datasets, presets
from engine import plan as naming
from engine.core import settings
from engine.core.config import Field, fields_of
from engine.core.errors import ExplorerError, InvalidValue
from engine.core.places import PACKAGES
from engine.jobs import specs, views
from engine.jobs.backends import keeper
from engine.jobs.folder import Folder
from engine.jobs.queue import Job, Queue
from explorer import navigation, services, state

ESTIMATE_SECONDS = 120
KEPT = "The current one is set aside: `python -m engine artifacts restore NAME` restores it."
LOOK, LISTED = 2.0, 60  # seconds between looks at the states of jobs, and how many of them
KNOWN = {  # fields whose values have names
    "architecture": lambda: architectures(),
    "dataset": lambda: list(datasets.NAMES),
    "zoo": lambda: list(presets.of_kind("zoo")),
}


def architectures() -> list[str]:
    """The ids of all architectures, a person's own among them."""
    from engine.archs import all_architectures

    return [*all_architectures(), *(each.id for each in services.store().manifests("architecture"))]


def queue() -> Queue:
    return Queue(services.store().workspace)


def ready() -> str:
    """Have a worker ready, for somebody is about to launch something. Returns why none could be started, or ""."""
    if settings.read_only():
        return ""
    found = keeper(services.store())
    found.warm()
    return found.problem


def launch(raw: dict) -> Job:
    """Queue a spec, select its job, and say so where somebody else's launch of the same is on its way. Raises InvalidValue, ..."""
    job, attached = views.submit(services.store(), raw)
    ready()
    state.remember(job=job.id)
    if attached:
        st.toast(f"An identical job is queued or running already: {job.id}.", icon=":material/group:")
    return job


def named(spec: dict) -> tuple[dict, bool]:
    """(the spec of a training, whether it may have its name): what has the name already is replaced where the person says so."""
    store, config = services.store(), specs.config_of(spec)
    try:
        naming.check_free(store, spec["preset"], config, spec["id"])
    except ExplorerError as error:
        st.warning(str(error), icon=":material/label:")
        wanted = st.toggle("Replace it", key=f"replace_{spec['id']}", help=KEPT)
        return specs.of_training(spec["preset"], config, spec["id"], wanted), wanted
    if store.has(spec["id"]):
        st.markdown(f"`{spec['id']}` exists already, with the same settings. The new one will replace it.")
    return spec, True


def may_replace(name: str, key: str) -> bool:
    """Asks whether what has a name may be replaced, where something has it."""
    return bool(name) and services.store().has(name) and st.toggle(f"Replace the existing {name}", key=key, help=KEPT)


def selected(*kinds: str) -> Job | None:
    """The job in the URL, if it is of one of those kinds; a message where it is no longer there."""
    id_ = state.get("job")
    if not id_:
        return None
    try:
        found = queue().job(id_)
    except ExplorerError as error:
        st.warning(str(error), icon=":material/link_off:")
        state.mend(job=None)
        return None
    return found if found.spec["kind"] in kinds else None


def result(job: Job) -> dict:
    """What a job found; {} before it ends."""
    return Folder(queue().folder_of(job.id)).result()


def recent(kind: str, space: str | None = None, limit: int = 30) -> list[dict]:
    """The latest jobs of a kind (and space), newest first."""
    return views.listed(services.store(), limit, kind, space)


def watch() -> None:
    """Run the page again where a job's state has changed: by another tab, another person, or a worker. Comes before what is shown."""
    st.session_state["jobs_shown"] = states()
    look_again()


@st.fragment(run_every=LOOK)
def look_again() -> None:
    if states() != st.session_state.get("jobs_shown"):
        st.rerun()


def states() -> list[tuple[str, str, bool, str]]:
    """(id, state, whether it is to stop, reason) of the latest jobs."""
    return [(job.id, job.state, job.stop, job.reason) for job in queue().jobs(LISTED)]


@st.dialog("Delete this job?")
def ask_to_delete(id_: str) -> None:
    st.write(f"The curves, the log and the checkpoint of `{id_}` are deleted. Artifacts that it made stay.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary"):
            queue().delete(id_)
            if state.get("job") == id_:
                state.mend(job=None)
            st.rerun()
        if st.button("Keep it"):
            st.rerun()


def table() -> None:
    """The latest jobs, each with its state and the click that opens it; those that have ended can be deleted."""
    if not (rows := recent("train") + recent("lso") + recent("import")):
        st.markdown("No jobs yet. Choose a preset and press Launch: jobs are listed here with their states.")
    for row in sorted(rows, key=lambda row: row["created"], reverse=True)[:20]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"row_{row['id']}"):
            if row["kind"] == "lso":
                navigation.link("lso", f"{row['id']} · {row['title']}", job=row["id"], space=row["space"])
            else:  # a link to the page that it is on would not change the URL
                st.button(
                    f"{row['id']} · {row['title']}",
                    key=f"open_{row['id']}",
                    type="tertiary",
                    on_click=state.remember,
                    kwargs={"job": row["id"]},
                )
            st.caption(f"{row['state']}{': ' + row['reason'] if row['reason'] else ''}")
            ended = row["state"] in ("done", "failed", "stopped")
            if ended and st.button("Delete", key=f"delete_{row['id']}", type="tertiary", icon=":material/delete:"):
                ask_to_delete(row["id"])


def form(config, key: str, hide: tuple[str, ...] = (), columns: int = 3) -> dict:
    """A widget for each field of a config, with its type, choices and help; the values, as JSON has them."""
    shown = [field for field in fields_of(config) if field.name not in hide]
    values = {}
    for first in range(0, len(shown), columns):  # a row at a time: where a narrow screen stacks them, their order stays
        for field, place in zip(shown[first : first + columns], st.columns(columns, vertical_alignment="bottom")):
            values[field.name] = widget(field, f"{key}_{field.name}", place)
    return values


def widget(field: Field, key: str, place: DeltaGenerator):
    """One field's widget; its value."""
    label, note = field.told.title, f"{field.told.help} On the command line: `--{field.name.replace('_', '-')}`."
    if field.choices:
        return place.selectbox(label, field.choices, field.choices.index(field.value), key=key, help=note)
    if field.name in KNOWN:
        options = list(dict.fromkeys([field.value, *KNOWN[field.name]()]))
        return place.selectbox(label, options, key=key, help=note, accept_new_options=True)
    if field.type is bool:
        return place.toggle(label, field.value, key=key, help=note)
    if field.type is int:
        return place.number_input(label, value=field.value, step=1, min_value=0, key=key, help=note)
    if field.type is float:
        return place.number_input(label, value=field.value, min_value=0.0, step=None, format="%g", key=key, help=note)
    if field.type is tuple:
        return numbers(label, place.text_input(label, ", ".join(map(str, field.value or ())), key=key, help=note))
    return place.text_input(label, str(field.value), key=key, help=note)


def numbers(label: str, text: str) -> list:
    """'16, 256, 32' as numbers, words as words. Raises InvalidValue."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return [float(part) if "." in part or "e" in part.lower() else int(part) for part in parts]
    except ValueError as error:
        if all(not part[0].isdigit() for part in parts):
            return parts
        raise InvalidValue(f"{label} must be numbers separated by commas; got {text[:60]!r}.") from error


@st.cache_data(max_entries=64, show_spinner="Timing a few steps ...")
def estimate(preset: str, arguments: tuple[str, ...]) -> str:
    """What a training costs here, in words: measured in a process of its own, so that the pages stay fast. Raises InvalidValue."""
    command = [sys.executable, "-m", "engine", "jobs", "estimate", preset, *arguments]
    try:
        done = subprocess.run(["nice", "-n", "10", *command], cwd=PACKAGES, capture_output=True, text=True, timeout=ESTIMATE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InvalidValue(f"A step takes more than {ESTIMATE_SECONDS} seconds here.") from error
    if done.returncode:
        raise InvalidValue(done.stderr.strip().removeprefix("python -m engine: ") or "The cost cannot be measured here.")
    return done.stdout.strip()
