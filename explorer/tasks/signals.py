"""Signals on the screens: an image that becomes another under the thumb, beside the image of the mixed weights."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from explorer import code, controls, data, navigation, services, state, taking, targets
from explorer.cards import Figure
from explorer.components.picker import picker
from explorer.components.signals import signals
from explorer.screens import WHY, Column, Objective, Planes, Screens, Walk

if TYPE_CHECKING:
    import numpy as np
    import torch

    from engine.host.host import Host
    from engine.kinds.netspace.space import Space

SIDE = 256  # of a picture in the report of an LSO
SIZES = ("8", "64", "256", "512", "1024", "2048")  # pixels a side of a PNG
FIGURES = (
    Figure(
        "path_floor_psnr_mean", "through the space", "decibels", "pairs",
        "Likeness (PSNR, higher is better) to the nearest image that it was trained on, lowest on the way between two images",
    ),
    Figure(
        "weight_path_floor_psnr_mean", "weights mixed", "decibels", "pairs",
        "The same, mixing the networks' weights as they are",
    ),
    Figure(
        "heldout_psnr_mean", "unseen images", "decibels", "images",
        "Likeness of an image that the space has never seen and what it decodes once the image is placed, by inversion",
    ),
)  # fmt: skip


class Signals(Screens):
    id = "signals"
    order = 2
    preset = "netspace-digits-inr"
    figures = FIGURES

    colours = {
        "shows": Column("shows", "what the image shows", "names", short="digit"),
        "psnr": Column("predicted_psnr", "PSNR, predicted with target", "decibels", short="PSNR, predicted"),
        "fit": Column("fit_psnr", "PSNR, target with its image", "decibels", short="PSNR, fit"),
        **Screens.colours,
    }
    card = (
        Column("shows", "shows", "text"),
        Column("predicted_psnr", "PSNR, predicted", "decibels"),
        Column("fit_psnr", "PSNR, fit", "decibels"),
        *Screens.card,
    )
    quality = Column("predicted_psnr", "PSNR", "decibels")
    walked = Column("", "PSNR, nearer anchor", "decibels", short="PSNR")
    selected = {"shows": "shows", "predicted_psnr": "predicted PSNR", "fit_psnr": "fit PSNR"}
    lso_form = "decibels"
    objectives = {
        "image": Objective(
            "A given image",
            "The mean squared error between the network's image and the given one, on its pixels.",
            "PSNR (dB)",
            lambda space: {"target": given(space)},
            required=True,
        ),
        "answers": Objective(
            "A given network's own answers",
            "Places a network that the space has never seen.",
            "PSNR (dB)",
            lambda space: targets.network(space, "Network to match", "the best training instance on validation"),
        ),
    }

    planes = Planes(
        "decibels", (10, 20, 5), "10, 15 and 20 dB", "a picture, compared with the three", "Pictures", ("psnr", "pixels"), "picture",
        {"pixels": 128},
    )  # fmt: skip

    def missing(self, space: Space) -> str | None:
        return space.zoo.dataset if data.missing(space.zoo.dataset) else None

    def three(self, space: Space) -> list[str]:
        first = shown_first(space)
        return [*first, *space.table["id"][~space.table["id"].isin(first)]][:3]

    def plane_words(self, space: Space) -> str:
        return (
            "PSNR in dB of each image with that of the nearest of A, B and C, the fitted networks themselves, on the data set's pixels, as "
            "along the line of the map; beside it that with each. Between three images none is like any of them, so that a dip is no fault "
            "by itself: look whether the picture is one. Colours end at 5 and 25 dB."
        )

    def interpolation(self, space: Space) -> None:
        from engine.tasks.signals.placing import data_of

        a, b = anchors(space)
        gamma = state.gamma()
        shown = "one picture" if space.zoo.pixels else f"one image of {data_of(space).title}"
        signals(space, a, b, gamma, shown)
        navigation.link("lso", "Improve the network under the thumb (LSO)", ":material/trending_up:", start="line")
        size = downloads(space, a, b, gamma)
        picture = code.call("space.picture", a, b, gamma=gamma, pixels=size)
        code.offer(
            code.python(
                space, (a, b), f"net = {code.call('space.at', a, b, gamma=gamma)}", f'open("picture.png", "wb").write({picture})'
            ),
            [code.command(space, (a, b), "export", space.id, a, b, "--gamma", gamma, "--output", "between.safetensors")],
        )

    def walk(self, host: Host, space: Space, a: str, b: str, gammas: list[float]) -> Walk:
        """The PSNR of each image with the nearer of the two targets."""
        from engine.tasks.signals.placing import data_of

        near, outside = self.between(host, space, a, b, gammas)
        shape = data_of(space).shape
        words = (
            f"PSNR with the nearer anchor: {near[0]:.1f} dB at A, {near[-1]:.1f} dB at B, lowest on the way {min(near):.1f} dB: "
            f"{len(near)} decoded images of {shape[1]} × {shape[0]} pixels."
        )
        return Walk(near, outside, words)

    def likeness(self, space: Space, facts: Any) -> str:
        return f"the images have a PSNR of {facts['predicted_psnr']:.1f} dB to each other. {WHY} No figure of the paper shows this."

    def lso_pictures(self, space: Space, parameters: Mapping[str, torch.Tensor]) -> Mapping[str, np.ndarray]:
        return {name: picture(space, parameters_P) for name, parameters_P in parameters.items()}

    def lso_figures(self, result: Mapping[str, Any], key: str) -> str:
        return f'<b data-testid="lso-{key}">{result["target"][key]:.1f}\u202fdB</b><span>PSNR to the target</span>'

    def lso_basis(self, result: Mapping[str, Any]) -> str:
        return "PSNR is that with the given image, or with the target network's, on the data set's pixels."


def picture(space: Space, parameters_P: torch.Tensor) -> np.ndarray:
    """The image of a network, grey uint8 [SIDE, SIDE]."""
    from engine.tasks.signals.networks import pictures

    found_1SS = services.host().run(pictures, parameters_P[None].to(space.parameters_NP), space.arch, SIDE, SIDE)
    return (found_1SS[0].clamp(0, 1) * 255).byte().cpu().numpy()


def shown_first(space: Space) -> list[str]:
    """An image of each kind, held out where possible."""
    held = space.table[space.table["split"] == "test"]
    table = held if len(held) > 1 else space.table
    return [str(each) for each in (table.drop_duplicates("shows") if "shows" in table else table)["id"]]


def anchors(space: Space) -> tuple[str, str]:
    """Pickers of both anchors, with buttons to swap them and to draw a pair. Returns (A, B)."""
    first = shown_first(space)
    left, right = st.columns(2)
    with left:
        a = controls.pick_instance("a", "Anchor A (gamma 0)", space, str(first[0]))
    with right:
        b = controls.pick_instance("b", "Anchor B (gamma 1)", space, str(first[-1]))
    with st.container(horizontal=True, gap="small"):
        st.button("Swap", icon=":material/swap_horiz:", type="tertiary", on_click=controls.swap, args=(a, b))
        ids = space.table["id"].tolist()
        st.button(
            "Random pair",
            icon=":material/casino:",
            type="tertiary",
            on_click=lambda: state.remember(**dict(zip("ab", random.sample(ids, min(2, len(ids)))))),
        )
    return a, b


def downloads(space: Space, a: str, b: str, gamma: float) -> int:
    """The network under the thumb as files: its picture of any size, and itself in every format. Returns the size chosen."""
    from engine.host import signals as host_signals
    from engine.host.export import network_bytes

    host, name = services.host(), f"{a}-{b}-{gamma:g}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = int(st.selectbox("Pixels a side", SIZES, index=3, width=140, key="signal_pixels"))
        st.download_button(
            "Image as PNG",
            lambda: host_signals.png(host, space.id, a, b, gamma, "embedding", size),
            f"{name}.png", "image/png", icon=":material/image:", on_click="ignore",
        )  # fmt: skip
    taking.network("Download the network as", name, lambda: network_bytes(host, space.id, a, b, gamma), "signal")
    return size


def given(space: Space) -> str:
    """The name of the image that an LSO descends towards: one of the held-out images, or a picture's file."""
    import tempfile
    from pathlib import Path

    from engine.tasks.signals.images import name_of
    from engine.tasks.signals.placing import data_of, read_picture

    picked = held_out(space)
    label = "Or a picture of your own" if picked else "A picture"
    file = st.file_uploader(label, type=["png", "jpg", "jpeg", "webp", "bmp"], max_upload_size=8)
    if file is None:
        return picked
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        path.write_bytes(file.getvalue())
        try:
            return name_of(read_picture(path, *data_of(space).shape))
        except ValueError as error:
            st.error(str(error))
            return ""


def held_out(space: Space) -> str:
    """The name of the held-out image that was picked; "" where there are none."""
    from engine.host import signals as host_signals

    ids = host_signals.images(services.host(), space.id).texts["id"].names_D.to_pylist()
    if not ids:
        return ""
    picked = state.choice("image", ids, what="image")
    words = "Of the data set's test split."
    picker("lso_image", "Image", space, picked, lambda id_: state.remember(image=id_), help=words, of="images")
    return picked


SCREENS = Signals()
