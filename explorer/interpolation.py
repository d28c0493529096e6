"""The Interpolation page of classifiers: the line between two anchors, and in a space of several architectures the square of four."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.artifacts import Manifest
from engine.core.tables import columns
from explorer import captions, code, controls, data, navigation, services, state
from explorer.components.corners import corner_pad, defaults
from explorer.components.interpolation import committed, interpolation, measured, unread

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

CORNERS = ("Lower left", "Lower right", "Upper left", "Upper right")
BETWEEN = {"two": "Between two networks", "four": "Between four"}


def pair(space: Space) -> None:
    """The pickers of both anchors, the slider between them and what answers it."""
    a, b = controls.pick_anchors(space)
    interpolation(space, a, b, state.gamma())
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        navigation.link("lso", "Improve the network under the thumb (LSO)", ":material/trending_up:", start="line")
        offer_code(space, a, b, state.gamma())


def glimpse(space: Manifest) -> None:
    """Home's: between two good networks, where mixed weights fail. What is dragged there is selected on the other pages. The space is read
    by the first live answer, which needs torch; only one of several architectures is read here. Raises CorruptArtifact."""
    a, b, several = good_pair(space.id, space.created)

    def let_go(value: object) -> None:
        state.remember(space=space.id, a=a, b=b)
        committed(value)

    if several:
        interpolation(services.host().space(space.id), a, b, 0.5, brief=True, on_gamma=let_go)
    else:
        images = not data.missing(controls.dataset_of(space, {each.id: each for each in services.store().manifests()}))
        unread(space.id, a, b, 0.5, images, let_go)


@lru_cache(maxsize=32)
def good_pair(space: str, created: str) -> tuple[str, str, bool]:
    """`controls.good_pair` of a space by its table alone, and whether it holds several architectures; `created` tells it from one that was
    made again under its name. Raises CorruptArtifact."""
    names = ("id", "split", "val_accuracy", "class_id", "x2", "y2")
    table = columns(services.store().open(space, "netspace"), "instances.parquet", names)
    return *controls.good_pair(table), "class_id" in table


def offer_code(space: Space, a: str, b: str, gamma: float) -> None:
    """The network under the thumb as code."""
    lines = [f"net = {code.call('space.at', a, b, gamma=gamma)}"]
    if space.images is not None:
        lines += ["print(space.accuracy(net))", code.call("space.path", a, b)]
    commands = [code.command(space, (a, b), "interpolate", space.id, a, b, "--gamma", gamma)] if space.images is not None else []
    code.offer(code.python(space, (a, b), *lines), commands)


def between() -> str:
    """Between how many networks: "two" or "four"."""
    names = list(BETWEEN)
    of = state.bound("between", names)
    return st.segmented_control("Between", names, format_func=BETWEEN.__getitem__, label_visibility="collapsed", **of) or names[0]


def square(space: Space) -> None:
    """The pad whose corners are four instances."""
    picks = [column.container() for column in st.columns(4)]
    corners = []
    for i, (pick, name, default) in enumerate(zip(picks, CORNERS, defaults(space))):
        with pick:
            corners.append(controls.pick_instance(f"c{i}", name, space, default))
    corner_pad(space, corners, state.number("x", 0.5, 0, 1), state.number("y", 0.5, 0, 1))
    captions.show(
        "Each place of the square is a network made of all four corners; the colour is the architecture that lives there.",
        "Each place is the embedding mixed bilinearly from its corners, decoded and loaded into the architecture that the "
        "ClassId head finds there; each cell takes its colour, stronger where the accuracy is higher. "
        f"{measured(space)} The square is ours; its sides are the lines of fig. 5.",
    )
