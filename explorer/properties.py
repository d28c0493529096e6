"""What the page of properties shows: probes of a space's embeddings, worked out once for each version of it, as a table and a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.artifacts import manifest_hash
from engine.kinds.netspace.properties import MOST, Property, properties, table_of
from engine.kinds.netspace.space import Space
from explorer import services
from explorer.charts import FRAME

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYMBOLS = ("circle", "diamond-open", "cross-thin-open")
JITTER = 0.3  # of the distance between two categories


def of_space(space: Space) -> list[Property]:
    """The properties of a space. Raises InvalidValue."""
    return _of_space(space.id, manifest_hash(services.store().open(space.id)), space)


@st.cache_resource(max_entries=8, show_spinner="Fitting probes ...")
def _of_space(id_: str, version: str, _space: Space) -> list[Property]:
    return properties(_space)


def counts(space: Space) -> dict[str, str]:
    """Split -> how many of its instances the probes rest on: 'the 64', '2,000 (drawn at random from 33,000)'."""
    here = {split: int(space.zoo.table["split"].eq(split).to_numpy().sum()) for split in MOST}
    return {
        split: f"the {count:,}" if count <= MOST[split] else f"{MOST[split]:,} (drawn at random from {count:,})"
        for split, count in here.items()
    }


def table(each: Sequence[Property]) -> Any:
    """A row for each property; no column that none of them fills."""
    table = table_of(list(each)).assign(property=[label(one.name) for one in each])
    return table.loc[:, table.map(lambda cell: cell not in (None, "") and cell == cell).any()]


def label(name: str) -> str:
    """A property as the screen writes it."""
    return name.replace("_", " ")


def scatter(each: Property, colours: Sequence[str]) -> go.Figure:
    """Predicted against true of the held-out instances, a symbol and a colour for each kind of features; a click shows only the first."""
    import plotly.graph_objects as go

    figure = go.Figure()
    labels = sorted({str(one) for values_H in (each.true_H, *(probe.predicted_H for probe in each.probes.values())) for one in values_H})
    places = {label: at for at, label in enumerate(labels)}

    def positions(values_H: np.ndarray, seed: int) -> np.ndarray:
        if each.numeric:
            return values_H.astype(float)
        beside_H = np.random.default_rng(seed).uniform(-JITTER, JITTER, len(values_H))
        return np.array([places[str(value)] for value in values_H]) + beside_H

    true_H = positions(each.true_H, 0)
    for at, (kind, probe) in enumerate(each.probes.items()):
        figure.add_scatter(
            x=true_H, y=positions(probe.predicted_H, at + 1), name=kind, customdata=each.ids_H, mode="markers",
            visible=True if at == 0 else "legendonly",
            marker={"color": colours[at % len(colours)], "symbol": SYMBOLS[at % len(SYMBOLS)], "size": 9, "line": {"width": 1.5}},
            text=[f"true {four_digits(true)}, predicted {four_digits(said)}" for true, said in zip(each.true_H, probe.predicted_H)],
            hovertemplate="%{customdata}: %{text}<extra>" + kind + "</extra>",
        )  # fmt: skip
    ends = [float(true_H.min()), float(true_H.max())]
    dotted = {"dash": "dot", "width": 1, "color": "gray"}
    figure.add_scatter(x=ends, y=ends, mode="lines", name="predicted = true", line=dotted, hoverinfo="skip")
    ticks: Mapping[str, Any] = {} if each.numeric else {"tickvals": list(places.values()), "ticktext": labels}
    figure.update_layout(
        **{**FRAME, "height": 420}, clickmode="event+select", dragmode=False,
        xaxis={"title": f"{label(each.name)}, true", **ticks}, yaxis={"title": f"{label(each.name)}, predicted", **ticks},
    )  # fmt: skip
    return figure


def four_digits(value: object) -> str:
    """A value for a sentence: numbers with four digits."""
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else str(value)


def clicked(event: Any) -> str | None:
    """The instance whose point was clicked; None where nothing was."""
    points = (event or {}).get("selection", {}).get("points", [])
    data = points[0].get("customdata") if points else None
    return str(data[0] if isinstance(data, list) else data) if data else None
