"""The interpolation screen as one component: the gamma slider and all that answers it (interpolation.js)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from engine.nets.export import formats
from engine.nets.ways import ASKED, WAYS
from explorer import state
from explorer.captions import Caption
from explorer.components import component, script, source

if TYPE_CHECKING:
    from engine.kinds.netspace.space import Space

KEY = "interpolation"

_mount = component(
    "explorer_interpolation",
    html=source("interpolation.html"),
    css=source("live.css", "walk.css", "interpolation.css"),
    js=script("interpolation.js"),
    isolate_styles=False,  # Plotly's hover styles live in the document's head
    brief=True,
)


def interpolation(
    space: Space, a: str, b: str, gamma: float, brief: bool = False, on_gamma: Callable[[object], None] | None = None
) -> None:
    """Show the line from anchor `a` (gamma 0) to `b` (gamma 1), the thumb at `gamma`; `brief`: slider, figures and images alone.

    Releasing the thumb calls `on_gamma` with {"space", "a", "b", "gamma"}; by default it selects its gamma."""
    from engine.kinds.netspace import kept

    images = f"{space.images.title} test images" if space.images else ""
    captions = {
        "curve": Caption(
            "Each place of the line is a network that the space makes; dashed and dotted are what plain mixing of the weights gives. "
            "A click on the curve moves the thumb there.",
            f"{measured(space)} Bands and interval: 95 % Wilson. Line: the network decoded from the embedding "
            "(1 \u2212 gamma) e_A + gamma e_B. Dashed: the same gamma applied to the weights of A and B. Dotted: the same after B's units "
            f"are matched to A's (Git Re-Basin) by their weights, or by what they answer to {ASKED} training images; REPAIR then gives "
            "each unit the mean and spread on these that A's and B's have, mixed. Fig. 3b and 3d of the NetSpace paper.",
        ),
        "classes": Caption(
            "What the network here answers, and how much of each class it gets right." if images else "",
            images and f"{images}, four of each class where there are ten; bars: accuracy on all test images of the class.",
        ),
        "preps": Caption(
            "The parameters of both anchors and of the network here, as pictures.",
            f"All {space.arch.parameters:,} parameters of {space.arch.id} as a PRep of "
        f"{space.config.prep_height}\u00d7{space.config.prep_width} (paper, Suppl. II), "
        "colour scale: 1st to 99th percentile of both targets.",
        ),
    }
    if len(space.archs) > 1:
        captions["curve"] = Caption(
            "Each point is a network that the space makes; its colour is the architecture that lives there. "
            "A click moves the thumb there.",
            f"{measured(space)} Band and interval: 95 % Wilson. Each point is a network decoded from the embedding "
            "(1 \u2212 gamma) e_A + gamma e_B and loaded into the architecture that the ClassId head finds there. Stars: the gammas of eq. "
            "12; rings: the anchors. Fig. 5 of the NetSpace paper.",
        )
        captions["preps"] = Caption(
            captions["preps"].line,
            f"PReps of {space.config.prep_height}\u00d7{space.config.prep_width}, padded for the smaller architectures (paper, "
            "Suppl. II); colour scale: 1st to 99th percentile of both targets.",
        )
    if not space.images:
        captions["curve"] = Caption(measured(space))
    ends = {"a": space.table.iloc[space.row(a)], "b": space.table.iloc[space.row(b)]}
    stored, predicted = (
        {end: stored_figure(row.get(name)) for end, row in ends.items()} for name in ("test_accuracy", "predicted_test_accuracy")
    )
    origins = {end: kept.FOUND.get(str(row["split"]), "trained") for end, row in ends.items()}
    far = dict(zip("ab", space.outside_of([space.row(a), space.row(b)])))  # None of an instance that was trained on
    outside = {end: bool(of and of.outside) for end, of in far.items()}
    data = {
        "origins": origins,
        "outside": outside,
        "predicted": predicted,
        "space": space.id,
        "a": a,
        "b": b,
        "gamma": gamma,
        "captions": captions,
        "formats": formats.words(),
        "images": space.images is not None,
        "stored": stored,
        "architectures": architectures(space),
        "brief": brief,
        "mixes": space.arch_of(space.row(a)) == space.arch_of(space.row(b)),
    }
    show(data, on_gamma or committed)


def unread(space: str, a: str, b: str, gamma: float, images: bool, on_gamma: Callable[[object], None]) -> None:
    """The same, `brief`, of a space of one architecture that nobody has read yet: its first answers read it, and tell what lies outside of
    the zoo. `images`: whether accuracies can be measured."""
    unsaid = {name: {"a": "", "b": ""} for name in ("origins", "stored", "predicted")}
    fixed = {"outside": None, "captions": {}, "formats": {}, "architectures": [], "mixes": True, "brief": True}
    show({**unsaid, **fixed, "space": space, "a": a, "b": b, "gamma": gamma, "images": images}, on_gamma)


def show(data: dict, on_gamma: Callable[[object], None]) -> None:
    """Mount the component. `data`: what interpolation.js is told of the line, but for the ways of alignment."""
    way = state.choice("way", list(WAYS), what="alignment") if state.get("way") else next(iter(WAYS))
    _mount(
        data={**data, "ways": {path: each.words for path, each in WAYS.items()}, "way": way},
        key=KEY,
        on_gamma_change=lambda: on_gamma(st.session_state[KEY].get("gamma")),
        on_way_change=lambda: aligned_by(st.session_state[KEY].get("way")),
    )


def aligned_by(way: object) -> None:
    """Take over how the weights are aligned; the first way goes without saying."""
    if way in WAYS:
        state.remember(way=None if way == next(iter(WAYS)) else way)


def stored_figure(value: float | None) -> str:
    """An accuracy of the table, where none can be measured."""
    return "not measured" if value is None or not math.isfinite(value) else f"{100 * value:.1f}\u202f% (stored)"


def measured(space: Space) -> str:
    """What the live figures of a space rest on."""
    from engine.nets.fast import fastest
    from engine.tasks.images.live import live_images

    if space.images is None:
        return "Decoded live, not measured: the test images are not on this machine. The anchors' accuracies are those stored with the zoo."
    images_BCHW = space.images.images["test"]
    total, few = len(images_BCHW), live_images(images_BCHW.shape)
    coarsely = {str(fastest(arch, images_BCHW.device)).removeprefix("torch.") for arch in space.archs} - {"float32"}
    dtype = "".join(f", in {each}" for each in coarsely)
    coarse = f" While the thumb moves, and along the curve, on the first {few} of them{dtype}." if few < total else ""
    return f"Measured live on {total} {space.images.title} test images, used neither for training nor for selection.{coarse}"


def architectures(space: Space) -> list[dict]:
    """What the screen says of each architecture of a space, by ClassId; `seen`: whether any of its instances trained the space."""
    seen = set(space.table["architecture"][space.table["seen"]]) if "seen" in space.table else {arch.id for arch in space.archs}
    return [{"id": arch.id, "family": arch.family, "parameters": arch.parameters, "seen": arch.id in seen} for arch in space.archs]


def committed(value: object) -> None:
    """Take over the gamma that the component sends on release, if it is of the anchors that are selected now."""
    if not isinstance(value, dict) or any(value.get(name) != state.get(name) for name in ("space", "a", "b")):
        return
    gamma = value.get("gamma")
    if isinstance(gamma, int | float) and math.isfinite(gamma) and 0 <= gamma <= 1:
        state.remember(gamma=float(gamma))
