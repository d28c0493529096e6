"""The LSO screen's parts: where it starts, what it descends, what it found."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st
import torch

from engine.core.errors import ExplorerError
from engine.core.slugs import slug
from engine.jobs import work
from engine.jobs.folder import Folder
from engine.jobs.queue import Job
from engine.kinds.netspace.space import Space
from engine.learn.config import LsoConfig
from explorer import captions, cards, charts, code, controls, jobs, navigation, services, state, taking, theme
from explorer.screens import DECODED
from explorer.tasks import screens

STARTS = {"instance": "An instance", "line": "A point between A and B", "map": "A point on the map"}
PLAIN = ("steps", "lr", "batch", "validate_every", "seed")


def pick_start(space: Space) -> dict:
    """Fields a, b, gamma, xy of where the descent starts."""
    mode = st.selectbox("Start", list(STARTS), format_func=STARTS.__getitem__, **state.bound("start", list(STARTS)))
    if mode == "instance":
        return {"a": controls.pick_instance("instance", "Instance", space, screens(space.task.id).lso_start(space))}
    if mode == "line":
        a = controls.pick_instance("a", "Anchor A (gamma 0)", space, screens(space.task.id).lso_start(space))
        b = controls.pick_instance("b", "Anchor B (gamma 1)", space, str(space.table["id"].iloc[0]))
        gamma = st.slider(
            "gamma",
            0.0,
            1.0,
            state.gamma(),
            0.01,
            help="0 at anchor A, 1 at anchor B. The link on the Interpolation page carries its gamma over.",
        )
        state.remember(gamma=gamma)
        return {"a": a, "b": b, "gamma": gamma}
    place = place_in_url()
    if place is None:
        place = [round(float(value), 3) for value in space.table[["x2", "y2"]].mean()]
        state.mend(xy=json.dumps(place))
    st.markdown(f"At ({place[0]:.2f}, {place[1]:.2f}): the mean of the 15 embeddings that the map shows nearest. Click the map to move it.")
    return {"xy": place}


def place_in_url() -> list[float] | None:
    """The place of the map that is selected, [x, y]."""
    try:
        place = json.loads(state.get("xy") or "null")
        return [float(place[0]), float(place[1])] if isinstance(place, list) and len(place) == 2 and np.isfinite(place).all() else None
    except (ValueError, TypeError):
        return None


def objectives(space: Space) -> list[str]:
    """What can be descended in a space."""
    of = space.task.objectives_of_several if space.several else space.task.objectives
    return [name for name in of if name in screens(space.task.id).objectives]


def pick_objective(space: Space) -> dict:
    """Fields objective, target and architecture."""
    known, fits = screens(space.task.id).objectives, objectives(space)
    objective = st.selectbox(
        "Objective",
        fits,
        format_func=lambda name: known[name].label,
        help="  \n".join(f"{known[name].label}: {known[name].note}" for name in fits),
        **state.bound("objective", fits),
    )
    fields = {"objective": objective}
    if space.several:
        names = {"": "as at the start"} | {arch.id: arch.id for arch in space.archs}
        fields["architecture"] = st.selectbox(
            "Wanted architecture",
            list(names),
            format_func=names.__getitem__,
            key="lso_architecture",
            help="Eq. 6: the cross entropy of its ClassId is added to the loss.",
        )
    target = known[objective].target
    return fields if target is None else fields | target(space)


def launchable(space: Space, fields: dict) -> bool:
    """Whether what is needed is there: the images that it is measured on, and the target that it is pulled towards."""
    shown = screens(space.task.id)
    return not shown.missing(space) and not (shown.objectives[fields["objective"]].required and not fields["target"])


def offer_code(space: Space, fields: dict) -> None:
    """The optimisation that Launch starts, as code: what differs from its defaults, and its objective."""
    plain = LsoConfig(space="-", a="-")
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    given = {
        name: value for name, value in wanted.items() if name != "a" and (name == "objective" or value != (getattr(plain, name) or ""))
    }
    given = {name: value for name, value in given.items() if value is not None}
    start = [fields["a"]] if fields.get("a") else []
    of = [each for each in (fields.get("a"), fields.get("b")) if each]
    code.offer(
        code.python(space, of, f"job = {code.call('space.launch', *start, **given)}", "print(job.follow())"),
        [code.command(space, of, "lso", space.id, *start, *code.flags(**given))],
    )


def quality(space: Space, objective: str) -> dict:
    """How the live view calls and writes the quality of an objective, and the instances' own on its map."""
    shown = screens(space.task.id)
    return {
        "quality": shown.objectives[objective].quality,
        "form": shown.lso_form,
        "column": shown.quality and shown.quality.data(),
    }


def pick_rest(objective: str) -> dict:
    """Steps, learning rate and what else has a default that serves."""
    shown = (*PLAIN, *(("alpha", "temperature") if objective == "distillation" else ()))
    hide = tuple(field for field in LsoConfig.__dataclass_fields__ if field not in shown)
    return jobs.form(LsoConfig(space="-", a="-"), "lso", hide, columns=1)


def start_on_map(space: Space, fields: dict) -> dict | None:
    """Where the start lies on the map; away from the instances also how far outside of the zoo."""
    try:
        config = LsoConfig(space=space.id, **{**fields, "xy": tuple(fields["xy"]) if fields.get("xy") else None})
        start_E, _ = work.start_of(space, config)
        return {
            "xy": space.place_on_map(start_E[None])[0][0].tolist(),
            "words": space.outside(start_E[None])[0].words if fields.get("xy") or fields.get("b") else "",
        }
    except ExplorerError:
        return None


def before_and_after(space: Space, job: Job) -> None:
    """The network at the start and the best one side by side, measured when the job ended."""
    path = jobs.queue().folder_of(job.id)
    result = Folder(path).result()
    if job.live or not result:
        return
    ends = {name: torch.from_numpy(work.found_embedding(path, which)) for name, which in (("Start", "start"), ("Best", "best"))}
    parameters = {
        name: services.host().run(space.at, embedding_E.to(space.embeddings_NE.device)).parameters_P.cpu()
        for name, embedding_E in ends.items()
    }
    high = charts.colour_limit(parameters["Start"].numpy())
    shown = screens(space.task.id)
    pictures = shown.lso_pictures(space, parameters)
    *columns, last = st.columns([2, 2, 1.5])
    for column, (name, key) in zip(columns, (("Start", "before"), ("Best", "after"))):
        with column.container(border=True):
            st.html(f'<div class="end"><h4>{name}</h4>{shown.lso_figures(result, key)}</div>')
            if pictures is not None:
                st.image(charts.inline(pictures[name]), width="content")
            else:
                st.image(
                    charts.inline(charts.prep_pixels(parameters[name].numpy(), high, theme.current()["chartDivergingColors"])),
                    width="stretch",
                    caption=f"PRep, all {len(parameters[name]):,} parameters; one colour scale on both sides, \u00b1{high:.2f}",
                )
    with last:
        keep(space, job)
        if said := result.get("outside"):
            (st.warning if said["hollow"] else st.info)(
                said["words"], icon=":material/radio_button_unchecked:" if said["hollow"] else ":material/radio_button_checked:"
            )
        captions.show(
            f"Best is step {result['best_step']}: {cards.percent(result['validation']['before'])} on validation at the start, "
            f"{cards.percent(result['validation']['after'])} there.",
            f"The step is chosen by {result['quality']} on validation. {trained(space, job)}{shown.lso_basis(result)}",
        )


def trained(space: Space, job: Job) -> str:
    """What the start is, told from the instance that it may be named after: that has an accuracy of its own."""
    config = job.spec["config"]
    row = space.table[space.table["id"] == config["a"]]
    return DECODED if config["b"] or row.empty else screens(space.task.id).lso_start_words(space, row.iloc[0])


def keep(space: Space, job: Job) -> None:
    """Make the result an instance, or say where it is one already."""
    if not jobs.queue().folder_of(job.id).joinpath(work.FILE).exists():
        return
    name = st.text_input(
        "Name", placeholder="named after its start, plus a hash", key=f"name_{job.id}", help="Any words; the id is made from them."
    )
    replacing = jobs.may_replace(slug(name), f"replace_{job.id}")
    if st.button(
        "Keep",
        icon=":material/bookmark_add:",
        width="stretch",
        help="Adds it to the space as an instance that every page can pick, with its lineage.",
        key="lso_keep",
    ):
        try:
            kept = services.host().run_long(work.keep, services.store(), job.spec, jobs.queue().folder_of(job.id), name, replacing)
            st.session_state[f"kept_{job.id}"] = kept.id
            st.rerun()  # the space has one instance more
        except ExplorerError as error:
            st.error(str(error))
    folder = jobs.queue().folder_of(job.id)
    data = lambda: services.host().run_long(work.found_bytes, services.store(), space, job.spec, folder)
    taking.network("Download the best network as", f"{space.id}-{job.id}", data, "lso")
    if (kept := st.session_state.get(f"kept_{job.id}")) in set(space.table["id"]):
        with st.container(horizontal=True, key="kept"):
            st.success(f"It is now an instance of {space.id}: `{kept}`.", icon=":material/bookmark_added:")
            navigation.link("latent_map", "Find it on the map", ":material/scatter_plot:", space=space.id, instance=kept)
