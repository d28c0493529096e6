"""What the NeRN screen picks, reads from the URL, sends and draws besides its component."""

from __future__ import annotations

import json
import math
import shlex
from typing import TYPE_CHECKING

import streamlit as st

from engine.core import cells
from engine.core.artifacts import Manifest
from engine.core.errors import ExplorerError
from engine.core.slugs import slug
from engine.papers.recipe import recipe
from explorer import captions, code, controls, data, jobs, services, state, theme
from explorer.charts import FRAME
from explorer.components.nern_view import nern_view
from explorer.tasks import screens

if TYPE_CHECKING:
    from engine.datasets import Images
    from engine.host.nerns import Hosted, Look
    from engine.kinds.nern.original import Original

BITS, WINDOWS, ORDERS = ("32", "16", "8", "6", "4"), ("8", "16", "32"), ("none", "in-filter", "cross-filter")
CURVES = {
    "val_accuracy": "validation accuracy",
    "val_agreement": "validation agreement",
    "val_divergence": "validation divergence (KL)",
    "weight_error": "weight error",
    "reconstruction": "reconstruction loss (eq. 3)",
    "distillation": "KD loss (eq. 5)",
    "features": "FMD loss (eq. 4)",
}
STORED = {"original": "original_accuracy", "reconstructed": "reconstructed_accuracy", "agreement": "agreement"}  # and their metrics
TOLD = {
    "layer": "Layer",
    "what": "Is a",
    "kernel": "Kernel",
    "kernels": "Kernels",
    "predicted": "Predicted",
    "kept": "Kept",
    "why": "Why kept",
}  # columns of the layer table
HOME = "_home_prune"  # what is pruned there
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def pick_original() -> tuple[Manifest, list[Manifest]] | None:
    """Pickers of an original and of one of its NeRNs: (the original, its NeRNs with the chosen one first, or none). None where there is
    no original."""
    networks = {manifest.id: manifest for manifest in services.store().manifests("network")}
    nerns = services.store().manifests("nern")
    if not networks:
        st.info(
            "No original yet. `python -m engine train nern-digits` trains one, and a NeRN that represents its kernels, in minutes.",
            icon=":material/memory:",
        )
        return None
    of = {id_: [nern for nern in nerns if id_ in nern.inputs] for id_ in networks}
    named = next((id_ for id_ in networks if state.get("nern") in {nern.id for nern in of[id_]}), None)
    best = named or max(networks, key=lambda id_: len(of[id_]))
    left, right = st.columns(2)
    with left:
        original = st.selectbox(
            "Original",
            list(networks),
            format_func={id_: title_of(each) for id_, each in networks.items()}.__getitem__,
            **state.bound("original", list(networks), best, what="original"),
        )
    mine = of[original]
    with right:
        if not mine:
            st.selectbox("NeRN", ["none yet"], disabled=True, key="no_nern")
            state.mend(nern=None)
            return networks[original], []
        ids = [nern.id for nern in mine]
        chosen = st.selectbox(
            "NeRN", ids, format_func={nern.id: describe(nern) for nern in mine}.__getitem__, **state.bound("nern", ids, ids[0], what="NeRN")
        )
    return networks[original], sorted(mine, key=lambda nern: nern.id != chosen)


def title_of(network: Manifest) -> str:
    """'ResNet8 on Digits', or 'my-best · ResNet8 on Digits' where a person gave it a name."""
    return network.title if network.title and network.id == network.preset else f"{network.id} · {network.title}".removesuffix(" · ")


def describe(nern: Manifest) -> str:
    """'nern-digits · cross-filter · hidden 50 · 23.3 %': its size beside the original's."""
    ratio = nern.metrics.get("size_ratio", {}).get("value")
    size = f" · {100 * ratio:.1f}\u202f% of the size" if isinstance(ratio, float) else ""
    return f"{nern.id} · {nern.config.get('permutation')} · hidden {nern.config.get('hidden')}{size}"


def number(name: str, low: float, high: float, default: float) -> float:
    """A number of the selection within its range; else the default."""
    stored = state.get(name)
    try:
        value = default if stored is None else float(stored)
    except ValueError:
        value = default
    return value if math.isfinite(value) and low <= value <= high else default


def selected(layers: list[str], classes: int) -> dict:
    """What is selected on the screen, checked."""
    class_ = number("class", 0, max(0, classes - 1), -1)
    return {
        "prune": number("prune", 0, 0.95, 0.0),
        "bits": int(state.choice("bits", BITS)),
        "layer": state.choice("layer", layers, layers[min(1, len(layers) - 1)]),
        "filter": int(number("filter", 0, 1e6, 0)),
        "channel": int(number("channel", 0, 1e6, 0)),
        "window": int(state.choice("window", WINDOWS)),
        "order": state.choice("order", ORDERS),
        "class": None if class_ < 0 else int(class_),
    }


def facts(original: Manifest, nern: Manifest | None, found: Hosted) -> dict:
    """What the component is told of an original and its NeRN, but for what is selected (nern_view.py)."""
    config = found.nern.config if found.nern else None
    layers = found.original.layers
    return {
        "original": original.id,
        "nern": nern and nern.id,
        "layers": [{"name": each.name, "filters": each.filters, "channels": each.channels, "size": each.size} for each in layers],
        "classes": list(found.images.classes) if found.images else [],
        "base": config.base if config else 0.76,
        "levels": config.levels if config else 40,
        "stored": nern and stored(nern),
    }


def first() -> tuple[Manifest, Manifest] | None:
    """A newcomer's original and its NeRN, one whose images are here where there is one; None where there is no NeRN."""
    originals = {each.id: each for each in services.store().manifests("network")}
    pairs = [(originals[id_], nern) for nern in services.store().manifests("nern") for id_ in nern.inputs if id_ in originals]
    return min(pairs, key=lambda pair: data.missing(pair[0].config.get("dataset")), default=None)


def glimpse(original: Manifest, nern: Manifest) -> None:
    """Home's: a NeRN pruned under the hand. Its first answer reads it, which needs torch."""

    def let_go(values: dict) -> None:
        state.remember(original=original.id, nern=nern.id)
        act(values)
        st.session_state[HOME] = number("prune", 0, 0.95, 0.0)

    prune = st.session_state.get(HOME, 0.0)
    shown = {"bits": 32, "layer": None, "filter": 0, "channel": 0, "window": 16, "order": "none", "class": None}
    told = {"original": original.id, "nern": nern.id, "stored": stored(nern), "layers": [], "captions": {}, "brief": True}
    nern_view({**told, **shown, "prune": prune}, on_act=let_go)


def act(values: dict) -> None:
    """What a person did in the component, as it says it."""
    names = ("prune", "bits", "layer", "filter", "channel", "window", "order", "class")
    state.remember(**{name: values[name] for name in names if name in values})


def offer_code(nern: Manifest, look: Look) -> None:
    """The reconstructed network as the sliders have it, as code."""
    own, chosen = code.in_gallery(nern.id), {"prune": look.prune, "bits": look.bits}
    lines = [f"net = {code.call('nern.reconstructed', **chosen)}", f"print({code.call('nern.qualities', **chosen)})"]
    words = ["reconstruct", nern.id, *code.flags(**chosen), "--output", "reconstructed.safetensors"]
    code.offer(code.script("nern", nern.id, own, *lines), [code.line(own, *words)])


def bring() -> None:
    """The panel that makes an original of a network of a space or of a zoo's instance."""
    titles = {manifest.id: manifest.title or manifest.id for manifest in controls.spaces() if screens(manifest.task).kernels}
    if not titles:
        st.caption("There is no space of classifiers to import one from. `python -m engine train netspace-digits` trains one.")
        return
    if state.get("space") not in (None, *titles):  # coming from a page of another task, whose networks have no convolutions
        state.mend(space=None)
    space = services.host().space(st.selectbox("Space", list(titles), format_func=titles.__getitem__, **state.bound("space", list(titles))))
    a, b = controls.pick_anchors(space)
    gamma = st.slider("Gamma", 0.0, 1.0, state.gamma(), 0.01, help="0 is anchor A, 1 is anchor B")
    path = st.segmented_control("Network", ["decoded from the space", "as it was trained (gamma 0 or 1)"], default="decoded from the space")
    name = st.text_input("Name", placeholder="named after the anchors")
    replacing = jobs.may_replace(slug(name), "replace_original")
    if st.button("Make it an original", icon=":material/input:"):
        from engine.kinds.nern.bringing import send

        try:
            kind = "weights" if path and path.startswith("as") else "embedding"
            made = send(
                services.store(),
                space.id,
                a,
                b,
                round(gamma) if kind == "weights" else gamma,
                kind,
                name or None,
                str(services.host().device),
                replacing,
            )
        except ExplorerError as error:
            st.error(str(error), icon=":material/error:")
            return
        state.remember(original=made.id, nern=None)
        st.rerun()


def layers(original: Original) -> None:
    """What is predicted and what is kept, layer by layer."""
    from engine.kinds.nern.layers import layer_table, summary

    rows = layer_table(original)
    with st.expander(f"{summary(rows)}: layer by layer", icon=":material/table_rows:", expanded=not original.layers):
        st.dataframe(
            {TOLD[name]: [getattr(row, name) for row in rows] for name in TOLD},
            hide_index=True,
            column_config={TOLD[name]: st.column_config.NumberColumn(format="localized") for name in ("kernels", "predicted", "kept")},
        )
        st.caption("Parameter counts, which add up to the whole network. A NeRN predicts kernels and keeps the rest as it is.")


def no_nern(original: Manifest) -> None:
    """How to make a NeRN of an original that has none."""
    st.info("No NeRN of this network yet; its kernels and their smoothness are below. These commands train one:", icon=":material/memory:")
    commands = recipe(original, {*services.store().folders()})
    st.code("\n".join(f"python -m engine {shlex.join(each)}" for each in commands), language="bash", wrap_lines=True)
    if original.config.get("dataset"):
        st.caption("Append `--inputs noise` to each of them to train without images.")


def curves(nerns: list[Manifest]) -> None:
    """Training curves of some NeRNs over each other (fig. 4)."""
    picked = st.multiselect("Runs", [nern.id for nern in nerns], default=[nern.id for nern in nerns[:2]], key=f"runs-{nerns[0].id}")
    shown = st.segmented_control("Curve", list(CURVES), format_func=CURVES.__getitem__, default="val_accuracy", key="curve")
    which = shown or "val_accuracy"
    tables = {id_: services.store().open(id_, "nern").table("curves.parquet") for id_ in picked}
    st.plotly_chart(figure(tables, which), key="nern-curves")
    captions.show(
        f"{CURVES[which].capitalize()} at each validation during training.",
        "The step kept is the one whose network diverges least from the "
        "original on validation images (noise where it trained on noise). Fig. 4 of the paper.",
    )
    if tables:
        import pandas as pd

        frame = pd.concat([table.assign(run=id_) for id_, table in tables.items()])
        st.download_button(
            "Curves as CSV", cells.csv_of(frame), "nern-curves.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )


def figure(tables: dict, which: str):
    """Plotly figure of one curve of each run."""
    import plotly.graph_objects as go

    colours = theme.current()["chartCategoricalColors"]
    drawn = go.Figure()
    for at, (id_, table) in enumerate(tables.items()):
        drawn.add_scatter(
            x=table["step"],
            y=table[which],
            name=id_,
            mode="lines",
            line={"color": colours[at % len(colours)], "width": 2, "dash": DASHES[at % len(DASHES)]},
            hovertemplate="step %{x}: %{y:.4g}<extra>" + id_ + "</extra>",
        )
    share = which in ("val_accuracy", "val_agreement")
    drawn.update_layout(
        **{**FRAME, "hovermode": "x unified"},
        xaxis={"title": "step"},
        yaxis={"title": CURVES[which], "tickformat": ".0%" if share else None, "rangemode": "tozero", "type": "linear" if share else "log"},
    )
    return drawn


def test_images(images: Images | None) -> tuple[str, str]:
    """What the captions call the test images that figures rest on, and how they say that figures are measured on them."""
    from engine.tasks.images.live import live_images

    if images is None:
        return "no images: its data set is not on this machine", "Sizes and kernels are live; accuracies need the images"
    shape = images.images["test"].shape
    few = f"on the first {live_images(shape):,}, those of large networks with kernels in bfloat16 if the CPU has it"
    coarse = f" (while the thumb moves, and along the curve, {few})" if live_images(shape) < shape[0] else ""
    named = f"the {shape[0]:,} {images.title} test images"
    return named, f"Measured live on {named}{coarse}"


def stored(nern: Manifest) -> dict | None:
    """The manifest's own figures of the predictor as it is: {"original", "reconstructed", "agreement" (shares), "n", "split"}; None
    where it has none."""
    found = {
        name: entry
        for name, metric in STORED.items()
        if isinstance(entry := nern.metrics.get(metric), dict) and isinstance(entry.get("value"), int | float) and "n" in entry
    }
    if len(found) < len(STORED):
        return None
    return {name: entry["value"] for name, entry in found.items()} | {name: found["reconstructed"][name] for name in ("n", "split")}


def stored_words(nern: Manifest) -> str:
    """The manifest's own figures in a sentence, for the caption."""
    figures = stored(nern)
    if figures is None:
        values = {name: entry["value"] for name, entry in nern.metrics.items()}
        return f"Stored: {json.dumps(values)}" if values else ""
    original, reconstructed, agreement = (f"{100 * figures[name]:.1f}\u202f%" for name in STORED)
    size = f", at {100 * nern.metrics['size_ratio']['value']:.1f}\u202f% of the size" if "size_ratio" in nern.metrics else ""
    return (
        f"Stored in its manifest, on {figures['n']:,} {figures['split']}: original {original}, reconstructed {reconstructed}, same answer "
        f"{agreement}{size}."
    )
