"""Figures of the papers that are charts, from what is at hand. Arrays and tables -> Plotly figures; no st.*."""

from __future__ import annotations

from collections.abc import Sequence

from engine.papers.resolve import Resolved
from explorer.charts import FRAME, share_range

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
BASES = (0.76, 0.9, 1.25)
COLUMNS = {"test_accuracy": "target", "predicted_test_accuracy": "predicted"}
SPACES, CURVES, SIMILARITY, FACTORS = (
    ("netspace-figure-3", "netspace-figure-5"),
    ("nern-figure-4",),
    ("nern-figure-8",),
    ("nern-figure-3", "nern-table-10"),
)


def artifacts(each: Resolved) -> list[str]:
    """Ids of the artifacts that an entry's lines rest on."""
    return list(dict.fromkeys(id_ for line in each.lines if line.ours for id_ in line.ours.ids))


def accuracies(table, colours: Sequence[str]):
    """Target and predicted accuracy of the test instances, sorted (NetSpace, fig. 3 a and c, fig. 5 left); a symbol and a colour for each
    architecture."""
    import plotly.graph_objects as go

    order = ["class_id", "test_accuracy"] if "class_id" in table else ["test_accuracy"]
    shown = table[(table["split"] == "test") & table.get("seen", True)].sort_values(order, kind="stable").reset_index(drop=True)
    figure = go.Figure()
    for at, (name, part) in enumerate(shown.groupby("architecture", sort=False)):
        colour, symbol = colours[at % len(colours)], SYMBOLS[at % len(SYMBOLS)]
        for (column, words), filled in zip(COLUMNS.items(), ("", "-open")):
            hover = "%{customdata}: %{y:.1%}<extra>" + words + "</extra>"
            figure.add_scatter(
                x=part.index,
                y=part[column],
                name=f"{name}, {words}",
                customdata=part["id"],
                mode="markers",
                marker={"color": colour, "symbol": symbol + filled, "size": 8, "line": {"width": 1.5}},
                hovertemplate=hover,
            )
    figure.update_layout(
        **FRAME,
        xaxis={"title": "test instances, by architecture and accuracy", "showticklabels": False},
        yaxis={"title": "accuracy on test images", "tickformat": ".0%", "range": share_range(shown[[*COLUMNS]].min().min())},
    )
    return figure


def similarity(colours: Sequence[str]):
    """Cosine similarity of embeddings to that of (0, 0, 31), for a few bases (NeRN, fig. 8)."""
    import plotly.graph_objects as go

    from engine.kinds.nern.coordinates import similarity

    figure = go.Figure()
    for base, colour, dash in zip(BASES, colours, ("solid", "dash", "dot")):
        figure.add_scatter(
            x=list(range(64)),
            y=similarity(base, 40).tolist(),
            name=f"base {base}",
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate="channel %{x}: %{y:.3f}<extra>base " + str(base) + "</extra>",
        )
    figure.update_layout(**FRAME, xaxis={"title": "channel c of (0, 0, c)"}, yaxis={"title": "cosine similarity to (0, 0, 31)"})
    return figure


def factors(each: Resolved, colours: Sequence[str]):
    """Original and reconstructed accuracy over the factor of eq. 6 (NeRN, fig. 3): the paper's numbers."""
    import plotly.graph_objects as go

    figure = go.Figure()
    series = [("240", "original", "original"), ("240", "accuracy", "hidden 240"), ("280", "accuracy", "hidden 280")]
    for at, (hidden, measure, name) in enumerate(series):
        lines = [line for line in each.lines if line.row.id.startswith(f"{hidden}-") and line.name == measure]
        error = {"type": "data", "array": [line.cell.spread or 0 for line in lines], "thickness": 1.2}
        figure.add_scatter(
            x=[float(line.row.id.partition("-")[2]) for line in lines],
            y=[line.cell.paper for line in lines],
            error_y=error,
            name=name,
            mode="lines+markers",
            line={"color": colours[at], "width": 2, "dash": ("dot", "solid", "dash")[at]},
            marker={"symbol": SYMBOLS[at], "size": 8},
            hovertemplate="factor %{x:g}: %{y:.2f} %<extra>" + name + "</extra>",
        )
    figure.update_layout(
        **FRAME,
        xaxis={
            "title": "factor of the smoothness term",
            "type": "log",
            "tickvals": [1e-6, 5e-6, 1e-5, 5e-5],
            "ticktext": ["1e-6", "5e-6", "1e-5", "5e-5"],
        },
        yaxis={"title": "accuracy, % (the paper's)"},
    )
    return figure
