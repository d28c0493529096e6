"""Pickers that several pages share: a space, an instance by id, the two anchors."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.artifacts import Manifest
from explorer import cards, data, services, state
from explorer.components.picker import picker
from explorer.components.shapes import LEVEL, RESOLUTIONS, SHAPES
from explorer.tasks import screens

if TYPE_CHECKING:
    import pandas as pd

    from engine.kinds.netspace.space import Space

# (a field of a config, its value, what to say of it) where two spaces have the same title
APART = (("encoder", "probe", "takes new shapes"), ("encoder", "prep", "of seen shapes"))
FIRST = "images"  # the task whose space a newcomer is told to make
POOR, GOOD = 0.3, 0.85  # validation accuracy below and above which a network is called poor, good
PAIRS = {"Random pair": None, "Poor to good": (False, True), "Good to good": (True, True)}  # button: (A is good, B is good)


def zoo_of(space: Manifest, manifests: dict[str, Manifest]) -> Manifest | None:
    """The zoo that a space was made from, among those at hand."""
    return next((manifests[id_] for id_ in space.inputs if id_ in manifests and manifests[id_].kind == "zoo"), None)


def dataset_of(space: Manifest, manifests: dict[str, Manifest]) -> str | None:
    """The data set whose images a space's networks answer; None where they answer none."""
    return (zoo_of(space, manifests) or space).config.get("dataset") if screens(space.task).needs_images else None


def in_order(manifests: dict[str, Manifest]) -> list[Manifest]:
    """The spaces among them as a newcomer meets them: task by task, and last those whose images are not here."""
    spaces = [each for each in manifests.values() if each.kind == "netspace"]
    return sorted(spaces, key=lambda space: (data.missing(dataset_of(space, manifests)), screens(space.task).order))


def names(spaces: Iterable[Manifest]) -> dict[str, str]:
    """What each space is called, by its id. Titles that several have are told apart by what their configs do not share."""
    spaces, named = [*spaces], {}
    titles = [each.title or each.id for each in spaces]
    for each, title in zip(spaces, titles):
        apart = [words for name, value, words in APART if each.config.get(name) == value]
        if (config := cards.config_of(each)) and config.unseen:
            apart.append(f"{config.unseen} of them never seen")
        named[each.id] = title if titles.count(title) == 1 else ", ".join([title, *apart]) if apart else title
    taken = [*named.values()]
    return {id_: name if taken.count(name) == 1 else f"{name} ({id_})" for id_, name in named.items()}


def spaces() -> list[Manifest]:
    """The spaces at hand, in that order."""
    return in_order({each.id: each for each in services.store().manifests()})


def pick_space(task: str | None = None) -> Space | None:
    """A picker of the available spaces (of a task), and the selected one in memory. None, and the way to make one, where there is
    none."""
    everything = {space.id: space for space in spaces()}
    titles = {id_: name for id_, name in names(everything.values()).items() if task in (None, everything[id_].task)}
    ids = list(titles)
    if not ids:
        shown = screens(task or FIRST)
        of = f" of {shown.task.many}" if task else ""
        st.info(
            f"No space{of} yet. `python -m engine train {shown.preset}` trains the first one, in about ten minutes.",
            icon=":material/scatter_plot:",
        )
        return None
    if state.get("space") in everything and state.get("space") not in ids:  # coming from a page of another task
        state.mend(space=ids[0])
    picked = st.selectbox("Space", ids, format_func=titles.__getitem__, **state.bound("space", ids))
    return services.host().space(picked)


def pick_instance(name: str, label: str, space: Space, default: str | None = None) -> str:
    """A picker of one instance, tied to `name` ("a", "b", "instance") of the selection. Returns its id."""
    picked = state.instance(name, space.table["id"].tolist(), default)
    picker(f"pick_{name}", label, space, picked, lambda id_: state.remember(**{name: id_}))
    return picked


def pick_anchors(space: Space) -> tuple[str, str]:
    """Pickers of both anchors, with buttons to swap them and to draw a pair. Returns (A, B)."""
    poor, good = first_pair(space.table)
    left, right = st.columns(2)
    with left:
        a = pick_instance("a", "Anchor A (gamma 0)", space, poor)
    with right:
        b = pick_instance("b", "Anchor B (gamma 1)", space, good)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Swap",
            icon=":material/swap_horiz:",
            type="tertiary",
            on_click=swap,
            args=(a, b),
            help="A becomes B; the thumb stays on the same network",
        )
        for label, kinds in PAIRS.items():
            st.button(
                label,
                icon=":material/casino:",
                type="tertiary",
                on_click=lambda kinds=kinds: state.remember(**dict(zip("ab", draw_pair(space.table, kinds)))),
            )
    return a, b


def swap(a: str, b: str) -> None:
    """Exchange the anchors and turn gamma round with them."""
    state.remember(a=b, b=a, gamma=round(1 - float(state.get("gamma") or 0.5), 4))


def held_out(table: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The columns of a space's table (a DataFrame, or arrays by their names) without the rows that it was trained on or chosen with; all
    rows where that leaves fewer than two. It needs no pandas."""
    arrays = {name: np.asarray(table[name]) for name in ("id", "split", "val_accuracy", "class_id", "x2", "y2") if name in table}
    held = np.flatnonzero(arrays["split"] == "test")
    return {name: column[held] for name, column in arrays.items()} if len(held) > 1 else arrays


def first_pair(table: Mapping[str, Any]) -> tuple[str, str]:
    """What a newcomer sees: from a poor network to the best, both chosen on validation images and, where possible, held out."""
    held = held_out(table)
    accuracy, ids = held["val_accuracy"], held["id"]
    ranked = np.argsort(accuracy, kind="stable")
    if "class_id" in held:  # from the smallest to the largest architecture
        kinds = held["class_id"][ranked]
        smallest, largest = (str(ids[ranked[kinds == kind][-1]]) for kind in (kinds.min(), kinds.max()))
        return smallest, largest
    poor = np.nan_to_num(abs(accuracy - 0.2), nan=np.inf)[ranked].argmin()
    return str(ids[ranked[poor]]), str(ids[ranked[-1]])


def good_pair(table: Mapping[str, Any]) -> tuple[str, str]:
    """Two good networks, where possible held out: the best on validation images, and of the others the farthest from it on the map."""
    held = held_out(table)
    ranked = np.argsort(-held["val_accuracy"], kind="stable")
    good = ranked[held["val_accuracy"][ranked] >= GOOD]
    if "class_id" in held or len(good) < 2:
        return first_pair(table)
    places = np.stack([held[axis][good] for axis in ("x2", "y2")], 1)
    return str(held["id"][good[0]]), str(held["id"][good[((places - places[0]) ** 2).sum(1).argmax()]])


def draw_pair(table: pd.DataFrame, good: tuple[bool, bool] | None = None) -> tuple[str, str]:
    """Two different instances at random: any (None), or each good (True) or poor (False) on validation images."""
    accuracy = table["val_accuracy"]
    masks = (
        [accuracy == accuracy] * 2
        if good is None
        else [accuracy >= min(GOOD, accuracy.quantile(0.75)) if high else accuracy <= max(POOR, accuracy.quantile(0.1)) for high in good]
    )
    a = random.choice(table["id"][masks[0]].tolist())
    others = [id_ for id_ in table["id"][masks[1]] if id_ != a] or [id_ for id_ in table["id"] if id_ != a] or [a]
    return a, random.choice(others)


def first_shapes(space: Space) -> tuple[str, str]:
    """What a newcomer sees: the chair that the space predicts best, and of the better half that farthest from it."""
    import torch

    seen = space.table[space.table["split"] == "train"].sort_values("predicted_iou", ascending=False, kind="stable")
    better = seen.index[: max(2, len(seen) // 2)]
    away = torch.linalg.vector_norm(space.embeddings_NE[list(better)] - space.embeddings_NE[better[0]], dim=-1)
    return str(seen["id"].iloc[0]), str(seen["id"][better[int(away.argmax())]])


def act_on(space_id: str, values: dict) -> None:
    """Take over what a person set on the page of shapes, if it is of the space that is selected now."""
    if not isinstance(values, dict) or values.get("of") != space_id:
        return
    texts = {name: values[name] for name in ("a", "b", "instance", "camera") if isinstance(values.get(name), str)}
    numbers = {
        name: float(values[name])
        for name, size in (("gamma", 1.0), ("level", LEVEL))
        if isinstance(values.get(name), int | float) and abs(values[name]) <= size
    }
    choices = {
        name: str(values[name]) for name, known in (("shape", SHAPES), ("resolution", RESOLUTIONS)) if str(values.get(name)) in known
    }
    state.remember(**texts, **numbers, **choices)
