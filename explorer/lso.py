"""The LSO screen's parts: where it starts, what it descends, what it found."""

from __future__ import annotations

import io
import json

import numpy as np
import streamlit as st
import torch

from engine.config import LsoConfig
from engine.errors import ExplorerError
from engine.jobs import checks, clouds, work
from engine.jobs.folder import Folder
from engine.jobs.queue import Job
from engine.multi.space import MultiSpace
from engine.netspace.space import Space
from explorer import cards, charts, controls, jobs, services, state, theme

STARTS = {"instance": "An instance", "line": "A point between A and B", "map": "A place of the map"}
OBJECTIVES = {
    "distillation": "Distillation from a teacher (eq. 3 to 5)",
    "task": "Task loss alone (eq. 4)",
    "answers": "A given network's own answers",
    "cloud": "A cloud of points on a surface",
}
NOTES = {
    "distillation": "alpha times the divergence from the teacher's answers, the rest the cross entropy with the labels.",
    "task": "Cross entropy with the labels of the training images.",
    "answers": "Places a network that the space has never seen: no labels, its mistakes are wanted too.",
    "cloud": "Where the nearest point is d away, the shape's |distance| is to be d: no normals, no inside needed.",
}
SIDE = 280  # of a shape's picture, in pixels
PLAIN = ("steps", "lr", "batch", "validate_every", "seed")


def few_images(space: Space) -> str:
    """What the caption adds where a descent sees some training and validation images of its space, not all."""
    count = 0 if space.is_shapes else space.config.measured
    return f"Training batches are drawn from the first {count:,} training images, and validation is the first {count:,} of its split." if count else ""


def pick_start(space: Space) -> dict:
    """Fields a, b, gamma, xy of where the descent starts."""
    mode = st.selectbox("Start", list(STARTS), format_func=STARTS.get, **state.bound("start", list(STARTS)))
    if mode == "instance":
        return {"a": controls.pick_instance("instance", "Instance", space, default_start(space))}
    if mode == "line":
        a = controls.pick_instance("a", "Anchor A (gamma 0)", space, default_start(space))
        b = controls.pick_instance("b", "Anchor B (gamma 1)", space, str(space.table["id"].iloc[0]))
        gamma = st.slider("gamma", 0.0, 1.0, state.gamma(), 0.01, help="0 at anchor A, 1 at anchor B. The link on the Interpolation page brings its thumb here.")
        state.remember(gamma=gamma)
        return {"a": a, "b": b, "gamma": gamma}
    place = place_in_url()
    if place is None:
        place = [round(float(value), 3) for value in space.table[["x2", "y2"]].mean()]
        state.remember(xy=json.dumps(place))
    st.caption(f"At ({place[0]:.2f}, {place[1]:.2f}): the mean of the 15 embeddings that the map shows nearest. Click the map to move it.")
    return {"xy": place}


def place_in_url() -> list[float] | None:
    """The place of the map that is selected, [x, y]."""
    try:
        place = json.loads(state.get("xy") or "null")
        return [float(place[0]), float(place[1])] if isinstance(place, list) and len(place) == 2 and np.isfinite(place).all() else None
    except (ValueError, TypeError):
        return None


def default_start(space: Space) -> str:
    """A poor held-out instance, or the first held-out one."""
    if space.is_shapes:
        held = space.table[space.table["split"] == "test"]
        return str((held if len(held) else space.table)["id"].iloc[0])
    return controls.first_pair(space.table)[0]


def pick_objective(space: Space) -> dict:
    """Fields objective and target."""
    several = [arch.id for arch in space.archs] if isinstance(space, MultiSpace) else []
    fits = checks.SHAPE_OBJECTIVES if space.is_shapes else checks.IMAGE_OBJECTIVES[:2] if several else checks.IMAGE_OBJECTIVES
    objective = st.selectbox("Objective", fits, format_func=OBJECTIVES.get, help="  \n".join(f"{OBJECTIVES[name]}: {NOTES[name]}" for name in fits), **state.bound("objective", list(fits)))
    said = {"objective": objective}
    if several:
        names = {"": "that of the start"} | {id_: id_ for id_ in several}
        said["architecture"] = st.selectbox("Wanted architecture", list(names), format_func=names.get, key="lso_architecture", help="Eq. 6: the cross entropy of its ClassId is added to the loss.")
    if objective == "task":
        return said
    if objective == "cloud":
        return said | {"target": upload()}
    mine = [each.id for each in services.store().manifests("network") if each.id not in set(space.table["id"])]
    labels = {"": "the zoo's teacher" if several else "the best training instance on validation"} | controls.describe(space.table) | {id_: id_ for id_ in mine}
    note = "An instance of the space, a network of the workspace, or another zoo's instance typed as ZOO/INSTANCE."
    label = "Teacher" if objective == "distillation" else "Network to match"
    return said | {"target": st.selectbox(label, list(labels), format_func=lambda id_: labels.get(id_, id_), accept_new_options=True, key="lso_target", help=note) or ""}


def upload() -> str:
    """The id of an uploaded cloud, kept by its content; "" before there is one."""
    file = st.file_uploader("Point cloud", type=[suffix[1:] for suffix in (*clouds.TEXTS, *clouds.MESH_SUFFIXES)], max_upload_size=clouds.MAX_BYTES >> 20, help="A text file with x y z on each line, or a mesh, whose surface is sampled.")
    if file is not None:
        try:
            state.remember(cloud=clouds.save(services.store(), file.name, file.getvalue()))
        except ExplorerError as error:
            st.error(str(error))
    return state.get("cloud") or ""


def pick_rest(objective: str) -> dict:
    """Steps, learning rate and what else has a default that serves."""
    shown = (*PLAIN, *(("alpha", "temperature") if objective == "distillation" else ()))
    hide = tuple(field for field in LsoConfig.__dataclass_fields__ if field not in shown)
    return jobs.form(LsoConfig(space="-", a="-"), "lso", hide, columns=1)


def quality(space: Space, objective: str) -> str:
    """What the quality of an objective is, in a word or two."""
    if space.is_shapes:
        return "points on the surface" if objective == "cloud" else "queries on the right side"
    return "agreement" if objective == "answers" else "accuracy"


def start_on_map(space: Space, fields: dict) -> dict | None:
    """Where the start lies on the map; away from the instances also how far outside of the zoo."""
    try:
        config = LsoConfig(space=space.id, **{**fields, "xy": tuple(fields["xy"]) if fields.get("xy") else None})
        start_E, _ = work.start_of(space, config)
        return {"xy": space.place_on_map(start_E[None])[0][0].tolist(), "words": space.outside(start_E[None])[0].words if fields.get("xy") or fields.get("b") else ""}
    except ExplorerError:
        return None


def before_and_after(space: Space, job: Job) -> None:
    """The network at the start and the best one side by side, measured when the job ended."""
    path = jobs.queue().folder_of(job.id)
    result = Folder(path).result()
    if job.live or not result:
        return
    st.subheader("Before and after", anchor=False)
    ends = {name: torch.from_numpy(work.found_embedding(path, which)) for name, which in (("Start", "start"), ("Best", "best"))}
    parameters = {name: services.host().run(space.at, embedding_E.to(space.embeddings_NE.device)).parameters_P.cpu() for name, embedding_E in ends.items()}
    high = charts.colour_limit(parameters["Start"].numpy())
    pictures = shape_pictures(space, parameters) if space.is_shapes else None
    for column, (name, key) in zip(st.columns(2), (("Start", "before"), ("Best", "after"))):
        with column.container(border=True):
            st.html(figures(name, key, result))
            if pictures is not None:
                st.image(pictures[name], width="content")
            else:
                st.image(charts.prep_pixels(parameters[name].numpy(), high, theme.current()["chartDivergingColors"]), width="stretch", caption=f"PRep, all {len(parameters[name]):,} parameters; one colour scale on both sides, \u00b1{high:.2f}")
    before = trained(space, job)
    if said := result.get("outside"):
        (st.warning if said["hollow"] else st.info)(said["words"], icon=":material/radio_button_unchecked:" if said["hollow"] else ":material/radio_button_checked:")
    where = "Accuracy is that of the test images, which chose nothing; interval: 95 % Wilson." if "test" in result else "IoU is that with the target network, on a grid of 48 cells an axis." if "target" in result else ""
    st.caption(f"Best is step {result['best_step']}, chosen by {result['quality']} on validation ({cards.percent(result['validation']['before'])} at the start, {cards.percent(result['validation']['after'])} there). {before}{where}")


def trained(space: Space, job: Job) -> str:
    """What the start is, told from the instance that it may be named after: that has an accuracy of its own."""
    config = job.spec["config"]
    row = space.table[space.table["id"] == config["a"]]
    if space.is_shapes or config["b"] or row.empty:
        return "Start is the network that the space decodes there. "
    word = "as LSO found it" if row["split"].iloc[0] == controls.KEPT else "as it was trained"
    return f"Start is the network that the space predicts for {config['a']}, which itself, {word}, has {cards.percent(row['test_accuracy'].iloc[0])}. "


@st.cache_data(max_entries=32, show_spinner="Drawing ...", hash_funcs={Space: lambda space: space.id, torch.Tensor: lambda tensor: tensor.numpy().tobytes()})
def shape_pictures(space: Space, parameters: dict) -> dict:
    """A picture of each shape, RGBA uint8 [S, S, 4]."""
    from PIL import Image

    from engine.netspace.shape_evaluate import mesh_of
    from engine.shapes.sheet import draw

    meshes = [services.host().run_long(mesh_of, parameters_P, space.arch) for parameters_P in parameters.values()]
    atlas = np.asarray(Image.open(io.BytesIO(draw(meshes, SIDE)["webp"].tobytes())).convert("RGBA"))
    return {name: atlas[:SIDE, i * SIDE : (i + 1) * SIDE] for i, name in enumerate(parameters)}


def figures(name: str, key: str, result: dict) -> str:
    """The figures of one end as HTML: accuracy with its interval and per class, or the IoU."""
    if "test" not in result:
        value = cards.percent(result["validation"][key])
        more = f'<b data-testid="lso-{key}">{result["target"][key]:.3f}</b><span>IoU to the target</span>' if "target" in result else f'<b data-testid="lso-{key}">{value}</b><span>{result["quality"]}</span>'
        return f'<div class="end"><h4>{name}</h4>{more}</div>'
    found = result["test"][key]
    bars = "".join(f'<i title="{each["name"]}: {each["right"]} of {each["n"]}"><u style="height:{3.3 * each["right"] / max(1, each["n"]):.2f}rem"></u><small>{each["name"]}</small></i>' for each in found["per_class"][:24])
    return (
        f'<div class="end"><h4>{name}</h4><b data-testid="lso-{key}">{cards.percent(found["value"])}</b>'
        f'<span>of {found["n"]} test images ({100 * found["low"]:.1f} to {cards.percent(found["high"])}), {found["architecture"]}</span><div class="classes" role="img" aria-label="Accuracy of each class">{bars}</div></div>'
    )
