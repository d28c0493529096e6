"""Shapes on the screens: their paths are dragged on the page of that name, as surfaces."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.artifacts import Manifest
from engine.core.tables import columns
from explorer import controls, navigation, services, state, targets
from explorer.cards import Figure
from explorer.components.shapes import strip
from explorer.screens import WHY, Column, Objective, Planes, Screens, Walk

if TYPE_CHECKING:
    import torch

    from engine.host.host import Host
    from engine.kinds.netspace.space import Space

FINE = {"cells": "all", "resolution": 96}  # of the shape where a pointer rests
HOME = "_home_shapes"  # gamma of the strip there
SIDE = 280  # of a shape's picture, in pixels
IOU, FIT = Column("predicted_iou", "IoU, predicted", "overlap"), Column("fit_iou", "IoU, fit", "overlap")
FIGURES = (
    Figure(
        "midpoint_iou_mean", "overlap half-way", "percent", "pairs",
        "Overlap (IoU, 100 % is the same shape) of the shape half-way through the space with the chair of the parameters half-way",
    ),
    Figure(
        "weight_midpoint_iou_mean", "weights mixed", "percent", "pairs",
        "The same overlap for the network whose weights are half-way between",
    ),
    Figure(
        "heldout_iou_mean", "overlap, unseen shapes", "percent", "shapes",
        "Overlap of a shape that the space has never seen with what it decodes once the shape is placed, by inversion",
    ),
)  # fmt: skip


class Distances(Screens):
    id = "distances"
    welcome = "From one shape to another: whole through the space, wrecks where weights are mixed"
    order = 1
    path, drag, preset = "shapes", "Turn and drag", "netspace-chairs"
    figures = FIGURES

    colours = {
        "iou": Column("predicted_iou", "IoU, predicted with target", "overlap", short="IoU, predicted"),
        "fit": Column("fit_iou", "IoU, target with its shape", "overlap", short="IoU, fit"),
        "legs": Column("legs", "kind of chair", "names", short="kind"),
        **Screens.colours,
    }
    card = (IOU, FIT, *Screens.card, Column("legs", "kind", "parts", parts=("legs", "slats", "arms")))
    quality = Column("predicted_iou", "IoU", "overlap")
    walked = Column("", "IoU, nearer anchor", "overlap", short="IoU")
    pictures = "sheet"
    selected = {"legs": "kind", "predicted_iou": "predicted IoU", "fit_iou": "fit IoU"}
    map_line = "Each point is a network that is a shape; near ones look alike."
    caption = (
        "Each point is one of the {count:,} networks of the zoo{kept}, a shape, put where UMAP (fixed seed, kept with the artifact) puts "
        "its embedding of {embedding} numbers; nearness is what the picture means, its axes mean nothing. IoU: between the predicted shape "
        "and its target, or between the target and the shape it was fitted to, on a grid of 48³ cells. The line holds 21 shapes decoded "
        "at equal steps of gamma, each drawn at the mean of its 15 nearest embeddings, however far they are. {hollow} Pictures show the "
        "targets. The space follows section IV and fig. 4 of the NetSpace paper; the map is ours, and so are the shapes that were placed "
        "later."
    )

    objectives = {
        "answers": Objective(
            "A given network's own answers",
            "Places a network that the space has never seen.",
            "queries on the right side",
            lambda space: targets.network(space, "Network to match", "the best training instance on validation"),
        ),
        "cloud": Objective(
            "A cloud of points on a surface",
            "Where the nearest point is at distance d, |signed distance| should be d. Needs neither normals nor an inside.",
            "points on the surface",
            lambda space: targets.cloud(),
            required=True,
        ),
    }

    def glimpse(self, space: Manifest) -> None:
        a, b = far_apart(space.id, space.created)

        def act(values: dict) -> None:
            state.remember(space=space.id)
            controls.act_on(space.id, values)
            st.session_state[HOME] = state.gamma()

        strip(space.id, a, b, st.session_state.get(HOME, 0.5), act)

    def best(self, space: Space) -> str:
        seen = space.table[space.table["split"] == "train"]
        return str((seen if len(seen) else space.table).sort_values("predicted_iou", kind="stable")["id"].iloc[-1])

    def interpolation(self, space: Space) -> None:
        st.info(
            f"The networks of **{space.manifest.title}** are shapes: they answer a distance at a point of space, not the class of an "
            "image. Drag from one to another on Shapes.",
            icon=":material/chair:",
        )
        navigation.link("shapes", "Open Shapes", ":material/arrow_forward:")

    planes = Planes(
        "overlap", written="0.1, 0.3, 0.5, 0.7 and 0.9", line="a shape, compared with the three", columns=("iou", "cells"), look="mesh",
        rest=FINE,
    )  # fmt: skip

    def plane_words(self, space: Space) -> str:
        from engine.tasks.distances.networks import GRID, sample

        return (
            "IoU of each shape with that of the nearest of A, B and C, the fitted networks themselves, as along the line of the map; "
            f"beside it that with each. The maps on {len(sample()):,} of the {GRID**3:,} cells of a grid, a drawn one of each 2 × 2 × 2; "
            "the shape under the pointer on all of them, once it rests. Between three chairs no shape is like any of them, so that a dip "
            "is no fault by itself: look whether the shape is whole."
        )

    def embedding(self, host: Host, space: Space, instance: str) -> torch.Tensor:
        from engine.kinds.netspace import placed_shapes

        if placed_shapes.is_id(instance):
            return host.end(host.loaded_space(space.id), instance).embedding_E
        return super().embedding(host, space, instance)

    def placed_rows(self, host: Host, space: Space) -> list[dict]:
        from engine.host import shapes as viewing
        from engine.kinds.netspace import placed_shapes
        from engine.kinds.netspace.umap_map import MAP_2D, MAP_3D

        rows = []
        for each in placed_shapes.listed(host.store, space.id):
            places = space.place_on_map(self.embedding(host, space, each.id)[None])
            figures = {
                name: each.metrics.get(key, {}).get("value") for name, key in (("predicted_iou", "placed_iou"), ("fit_iou", "fit_iou"))
            }
            columns = dict(zip([*MAP_2D, *MAP_3D], [float(value) for place in places for value in place[0]]))
            outside = viewing.outside_of_placed(host, space.id, each.id)
            rows.append(
                {
                    "id": each.id,
                    "name": str(each.config.get("name", each.id)),
                    **dict.fromkeys(("split", "architecture", "legs"), "placed"),
                    **figures,
                    **columns,
                    "hollow": outside.hollow,
                    "outside_words": outside.words,
                    "neighbour_percentile": outside.percentile,
                    "neighbour_multiple": outside.multiple,
                }
            )
        return rows

    def walk(self, host: Host, space: Space, a: str, b: str, gammas: list[float]) -> Walk:
        """The IoU of each shape with the nearer of the two targets."""
        from engine.tasks.distances.networks import GRID

        near, outside = self.between(host, space, a, b, gammas, cells="all")
        lowest = min((value for value in near if value is not None), default=None)
        write = lambda value: "not measured" if value is None else f"{value:.3f}"
        words = (
            f"IoU with the nearer anchor: {write(near[0])} at A, {write(near[-1])} at B, lowest on the way {write(lowest)}: "
            f"{len(near)} decoded shapes, each on {GRID**3:,} cells."
        )
        return Walk(near, outside, words)

    def likeness(self, space: Space, facts: Any) -> str:
        return f"the shapes overlap with an IoU of {facts['predicted_iou']:.3f}. {WHY} No figure of the paper shows this."

    def lso_start(self, space: Space) -> str:
        held = space.table[space.table["split"] == "test"]
        return str((held if len(held) else space.table)["id"].iloc[0])

    def lso_pictures(self, space: Space, parameters: Mapping[str, torch.Tensor]) -> Mapping[str, np.ndarray]:
        return drawn(space, dict(parameters))

    def lso_figures(self, result: Mapping[str, Any], key: str) -> str:
        if "target" not in result:
            return super().lso_figures(result, key)
        value = result["target"][key]
        return f'<b data-testid="lso-{key}">{"–" if value is None else f"{value:.3f}"}</b><span>IoU to the target</span>'

    def lso_basis(self, result: Mapping[str, Any]) -> str:
        from engine.tasks.distances.networks import GRID

        return f"IoU is that with the target network, on a grid of {GRID} cells an axis." if "target" in result else ""


@lru_cache(maxsize=32)
def far_apart(space: str, created: str) -> tuple[str, str]:
    """The shape that a space predicts best, and of the better half the one farthest from it on the map, by its table alone; `created` tells
    it from one that was made again under its name. Raises CorruptArtifact."""
    table = columns(services.store().open(space, "netspace"), "instances.parquet", ("id", "split", "predicted_iou", "x2", "y2"))
    seen = np.flatnonzero(table["split"] == "train")
    seen = seen[np.argsort(-table["predicted_iou"][seen], kind="stable")]
    better = seen[: max(2, len(seen) // 2)]
    away = np.hypot(*(table[axis][better] - table[axis][better[0]] for axis in ("x2", "y2")))
    return str(table["id"][better[0]]), str(table["id"][better[away.argmax()]])


@st.cache_data(
    max_entries=32,
    show_spinner="Drawing ...",
    hash_funcs={
        "engine.kinds.netspace.space.Space": lambda space: space.id,
        "torch.Tensor": lambda tensor: tensor.numpy().tobytes(),
    },
)
def drawn(space: Space, parameters: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """A picture of each shape, RGBA uint8 [S, S, 4]."""
    from PIL import Image

    from engine.tasks.distances.measuring import mesh_of
    from engine.tasks.distances.sheet import draw

    meshes = [services.host().run_long(mesh_of, parameters_P, space.arch) for parameters_P in parameters.values()]
    atlas = np.asarray(Image.open(io.BytesIO(draw(meshes, SIDE)["webp"].tobytes())).convert("RGBA"))
    return {name: atlas[:SIDE, i * SIDE : (i + 1) * SIDE] for i, name in enumerate(parameters)}


SCREENS = Distances()
