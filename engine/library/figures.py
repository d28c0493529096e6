"""What a space's pages show, as Plotly figures for a notebook: its map, the way between two networks, the plane through three, PReps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..core.errors import InvalidValue

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from ..host.host import Host

NAMES = {"embedding": "decoded", "weights": "weights mixed", "aligned": "weights mixed after alignment"}
DASHES = {"embedding": "solid", "weights": "dash", "aligned": "dot"}
HEIGHT = 3**0.5 / 2  # of the triangle whose corners are three networks
LOW, WIDTH = (-0.25, HEIGHT / 2 - 0.75), 1.5  # the square that a plane is drawn in


def map_of(
    host: Host, space_id: str, colour: str | None = None, dims: int = 2, across: str | None = None, up: str | None = None
) -> Figure:
    """The instances of a space where UMAP puts them in `dims` dimensions (2 or 3), coloured by a column of its table (its quality where
    None). On the flat map `across` and `up` name columns to be its axes. Raises InvalidValue."""
    import plotly.graph_objects as go

    space = host.space(space_id)
    table, by = space.table, colour or space.task.best_column
    if wrong := [name for name in (by, across, up) if name and name not in table]:
        raise InvalidValue(f"{space_id} has no column {wrong[0][:40]!r}. It has {', '.join(map(str, table.columns))}.")
    if dims not in (2, 3) or dims == 3 and (across or up):
        raise InvalidValue("A map has 2 or 3 dimensions, and columns as axes only in 2.")
    values = table[by]
    if values.dtype.kind in "OUS" or str(values.dtype) in ("str", "category", "string"):
        groups = [(str(name), table[values == name], {}) for name in sorted(set(values.astype(str)))]
    else:
        groups = [("", table, {"color": values, "colorscale": "Plasma", "showscale": True, "colorbar": {"title": {"text": by}}})]
    figure = go.Figure(layout={"title": {"text": f"{space.manifest.title or space_id}: {by}"}})
    for name, rows, marker in groups:
        points = {"mode": "markers", "text": rows["id"], "name": name}
        if dims == 3:
            figure.add_scatter3d(x=rows["x3"], y=rows["y3"], z=rows["z3"], marker={"size": 4, **marker}, **points)
        else:
            figure.add_scatter(x=rows[across or "x2"], y=rows[up or "y2"], marker=marker, **points)
    figure.update_xaxes(visible=bool(across), title=across)
    return figure.update_yaxes(visible=bool(up), title=up, scaleanchor=None if across or up else "x")


def path_of(host: Host, space_id: str, a: str, b: str, points: int = 21) -> Figure:
    """Accuracy, with its 95 % interval, of the networks between two instances on all test images: decoded, and with weights mixed, where
    they can be. Raises InvalidValue, UnknownId, DataMissing."""
    import plotly.graph_objects as go

    gammas = [step / (max(2, points) - 1) for step in range(max(2, points))]
    space = host.classifiers(space_id).space
    same = space.arch_of(space.row(a)) == space.arch_of(space.row(b))
    figure = go.Figure()
    for path in [each for each in NAMES if each in space.task.paths and (same or each == "embedding")]:
        steps = [host.step(space_id, a, b, gamma, path, "all") for gamma in gammas]
        bars = {"array": [each.high - each.accuracy for each in steps], "arrayminus": [each.accuracy - each.low for each in steps]}
        figure.add_scatter(x=gammas, y=[each.accuracy for each in steps], name=NAMES[path], error_y=bars, line={"dash": DASHES[path]})
    title = f"{a} to {b}, {len(space.needed_images().labels['test'])} test images"
    figure.update_layout(title={"text": title}, xaxis_title="gamma", yaxis_title="test accuracy")
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%")


def plane_of(host: Host, space_id: str, a: str, b: str, c: str, path: str = "embedding", size: int = 21) -> Figure:
    """What is measured over the plane through three instances, on a grid of `size` x `size` networks: of classifiers the accuracy on all
    test images, of others the likeness with the nearest of the three (`Task.between`). Raises InvalidValue, UnknownId, DataMissing."""
    import plotly.graph_objects as go

    from ..host import planes

    xs, ys = ([low + (at + 0.5) * WIDTH / size for at in range(size)] for low in LOW)
    places = [(x - y / HEIGHT / 2, y / HEIGHT) for y in ys for x in xs]
    _, basis, found = planes.measured(host, space_id, [a, b, c], path, places, {"images": "all"})
    z = [[each["value"] for each in found[row * size : (row + 1) * size]] for row in range(size)]
    title, task = f"Plane through {a}, {b}, {c}: {NAMES[path]}, {basis['n']:,} {basis['on']}", host.space(space_id).task
    figure = go.Figure(layout={"title": {"text": title}})
    bar, (low, high) = {"title": {"text": task.quality_scale}, "tickformat": task.quality_ticks}, task.quality_range
    figure.add_heatmap(x=xs, y=ys, z=z, zmin=low, zmax=high, colorscale="Plasma", colorbar=bar)
    corners = {"x": [0, 1, 0.5, 0], "y": [0, 0, HEIGHT, 0], "text": ["A", "B", "C", ""]}
    figure.add_scatter(**corners, mode="lines+markers+text", textposition="top center", line={"color": "black"}, showlegend=False)
    figure.update_xaxes(visible=False)
    return figure.update_yaxes(visible=False, scaleanchor="x")


def preps_of(host: Host, space_id: str, instance: str) -> Figure:
    """The parameters of an instance in PRep order, as it was trained and as the space predicts it, on one scale centred on zero, to the
    1st and 99th percentile of the target. Raises UnknownId."""
    import numpy as np
    from plotly.subplots import make_subplots

    space = host.space(space_id)
    row = space.row(instance)
    pictures = {path: host.run(space.network, row, row, 0.0, path).parameters_P.cpu().numpy() for path in ("weights", "embedding")}
    cols = math.ceil(math.sqrt(2 * len(pictures["weights"])))
    high = float(np.abs(np.percentile(pictures["weights"], (1, 99))).max()) or 1.0
    figure = make_subplots(2, 1, subplot_titles=("target", "predicted"), vertical_spacing=0.1)
    for at, values_P in enumerate(pictures.values(), 1):
        padded = np.full(math.ceil(len(values_P) / cols) * cols, np.nan, "float32")
        padded[: len(values_P)] = values_P
        figure.add_heatmap(z=padded.reshape(-1, cols), zmid=0, zmin=-high, zmax=high, colorscale="RdBu", showscale=at == 1, row=at, col=1)
    figure.update_layout(title={"text": f"{instance}: {len(pictures['weights']):,} parameters"})
    return figure.update_yaxes(autorange="reversed")
