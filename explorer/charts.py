"""Arrays -> figures and tables. No st.*; matplotlib by its objects (no pyplot, no global state), imported when first asked for.

Legend: P parameters in PRep order, H x W a picture of them.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from engine.archs import Entry

# Of every Plotly chart of the pages: the legend lies below, so that the toolbar has the strip above for itself.
FRAME = {
    "height": 340,
    "margin": {"l": 0, "r": 0, "t": 36, "b": 0},
    "hovermode": "closest",
    "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom"},
}
LOW = 0.5  # a share below which an axis of shares begins at zero
TITLES = {"target": "Target", "predicted": "Predicted", "difference": "Predicted \u2212 target"}


def share_range(lowest: float) -> tuple[float, float]:
    """The axis of shares of which that is the lowest, 0..1: where all are high their differences are the message (as in forms.js)."""
    return (math.floor(20 * lowest - 0.5) / 20, 1.01) if lowest > LOW else (0.0, 1.02)


def colour_limit(target_P: np.ndarray) -> float:
    """v of the colour scale -v..v: the larger magnitude of the target's 1st and 99th percentile; 1 where all is zero."""
    return float(np.abs(np.percentile(target_P, (1, 99))).max()) or 1.0


def signed(stops: Sequence[str]) -> list[str]:
    """The theme's diverging stops with their middle once: Streamlit wants ten of them, an even number, so it is there twice."""
    return [stop for at, stop in enumerate(stops) if at == 0 or stop != stops[at - 1]]


def wrap(values_P: np.ndarray, cols: int) -> np.ndarray:
    """Flat parameters as a picture of `cols` columns [H, W], NaN behind the last one (paper, Suppl. VII)."""
    rows = math.ceil(len(values_P) / cols)
    padded = np.full(rows * cols, np.nan, np.float32)
    padded[: len(values_P)] = values_P
    return padded.reshape(rows, cols)


def boundary(start: int, stop: int, cols: int) -> tuple[list[int], list[int]]:
    """Outline (x, y) of the cells [start, stop) in a picture of `cols` columns, in cell units, closed."""
    (top, left), (bottom, right) = divmod(start, cols), divmod(stop - 1, cols)
    right += 1
    if top == bottom:
        corners = [(left, top), (right, top), (right, top + 1), (left, top + 1)]
    else:
        corners = [
            (left, top),
            (cols, top),
            (cols, bottom),
            (right, bottom),
            (right, bottom + 1),
            (0, bottom + 1),
            (0, top + 1),
            (left, top + 1),
        ]
    return [x for x, _ in corners + corners[:1]], [y for _, y in corners + corners[:1]]


def statistics(layers: Sequence[Entry], target_P: np.ndarray, predicted_P: np.ndarray) -> pd.DataFrame:
    """A row per layer and one for all: parameters, mean, standard deviation and Euclidean norm of both, relative error
    |predicted - target| / |target| and Pearson correlation (NaN where one of them is constant)."""
    import pandas as pd

    parts = [(entry.name, " × ".join(map(str, entry.shape)), slice(entry.start, entry.stop)) for entry in layers]
    rows = []
    for name, shape, part in [*parts, ("all", "", slice(None))]:
        target, predicted = target_P[part].astype(np.float64), predicted_P[part].astype(np.float64)
        norm = np.linalg.norm(target)
        constant = min(len(target) - 1, np.ptp(target), np.ptp(predicted)) <= 0
        rows.append(
            {
                "layer": name,
                "shape": shape,
                "parameters": len(target),
                "mean, target": target.mean(),
                "mean, predicted": predicted.mean(),
                "sd, target": target.std(),
                "sd, predicted": predicted.std(),
                "norm, target": norm,
                "norm, predicted": np.linalg.norm(predicted),
                "relative error": np.linalg.norm(predicted - target) / norm if norm > 0 else np.nan,
                "correlation": np.nan if constant else np.corrcoef(target, predicted)[0, 1],
            }
        )
    return pd.DataFrame(rows)


def inline(picture: np.ndarray | Image, form: str = "png", **options: Any) -> str:
    """A picture (uint8 [H, W] or [H, W, C]) as an address that holds it. A file of Streamlit's is gone once its page has been left, and a
    browser that was still to fetch it gets a 404."""
    from PIL import Image

    file = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(file, form, **options)
    return f"data:image/{form};base64,{base64.b64encode(file.getvalue()).decode()}"


def prep_pixels(values_P: np.ndarray, high: float, stops: Sequence[str], aspect: float = 2.4, side: int = 6) -> np.ndarray:
    """Flat parameters re-wrapped as a picture, uint8 [H, W, 4], `side` pixels each: colours from `stops` over -high..high, clear behind
    the last one."""
    cells_HW = wrap(values_P, math.ceil(math.sqrt(len(values_P) * aspect)))
    stops = signed(stops)
    ramp_S3 = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], float)
    place_HW = np.nan_to_num(np.clip((cells_HW / high + 1) / 2, 0, 1)) * (len(stops) - 1)
    rgb_HW3 = np.stack([np.interp(place_HW, np.arange(len(stops)), channel_S) for channel_S in ramp_S3.T], -1)
    alpha_HW1 = np.where(np.isnan(cells_HW), 0, 255)[..., None]
    return np.concatenate([rgb_HW3, alpha_HW1], -1).round().astype(np.uint8).repeat(side, 0).repeat(side, 1)


def histogram(target_P: np.ndarray, predicted_P: np.ndarray, colours: Sequence[str], bins: int = 61):
    """Plotly figure of both distributions on common bins, over the range that holds 99 % of either."""
    import plotly.graph_objects as go

    reach = max(float(np.abs(np.percentile(values, (0.5, 99.5))).max()) for values in (target_P, predicted_P)) or 1.0
    edges = np.linspace(-reach, reach, bins + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    figure = go.Figure()
    for name, values, colour, dash in (("target", target_P, colours[0], "solid"), ("predicted", predicted_P, colours[1], "dash")):
        count = np.histogram(values, edges)[0] / len(values)
        figure.add_scatter(
            x=centres,
            y=count,
            name=name,
            mode="lines",
            line={"shape": "hvh", "color": colour, "width": 2, "dash": dash},
            hovertemplate="value %{x:.3f}: %{y:.2%}<extra>" + name + "</extra>",
        )
    figure.update_layout(
        **{**FRAME, "height": 320, "hovermode": "x unified"},
        xaxis={"title": "parameter value", "zeroline": True},
        yaxis={"title": "share of parameters", "tickformat": ".0%", "rangemode": "tozero"},
    )
    return figure


def prep_figure(
    target_P: np.ndarray,
    predicted_P: np.ndarray,
    layers: Sequence[Entry],
    cols: int,
    names: Sequence[str],
    box: Sequence[float] | None = None,
    title: str = "",
    note: str = "",
    stops: Sequence[str] = ("#8c510a", "#f5f5f5", "#01665e"),
) -> Figure:
    """Matplotlib figure of some of TITLES' pictures of `cols` columns, cropped to `box` (left, top, right, bottom in cells), with
    layer boundaries and one colour scale."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    colours = LinearSegmentedColormap.from_list("signed", signed(stops), N=257)  # odd: zero is exactly the middle
    high = colour_limit(target_P)
    values = {"target": target_P, "predicted": predicted_P, "difference": predicted_P - target_P}
    rows = math.ceil(len(target_P) / cols)
    left, top, right, bottom = box or (0, 0, cols, rows)
    flat = (right - left) / (bottom - top) > 6  # a raw PRep: stacked, and stretched
    across, down = (1, len(names)) if flat else (len(names), 1)
    side = 4.2 if len(names) > 1 else 8.4
    tall = 1.5 if flat else side * (bottom - top) / (right - left)
    figure = Figure(figsize=(11 if flat else side * across + 1.2, tall * down + 1.1), layout="constrained", facecolor="white")
    axes = np.ravel(figure.subplots(down, across, sharex=True, sharey=True))
    for axis, name in zip(axes, names):
        image = axis.imshow(
            wrap(values[name], cols),
            cmap=colours,
            vmin=-high,
            vmax=high,
            interpolation="none",
            aspect="auto" if flat else "equal",
            extent=(0, cols, rows, 0),
        )
        for entry in layers:
            axis.plot(*boundary(entry.start, entry.stop, cols), color="black", linewidth=0.6)
        axis.set(title=TITLES[name], xlim=(left, right), ylim=(bottom, top))
        axis.tick_params(labelsize=8)
    figure.colorbar(image, ax=list(axes), shrink=0.85, label="parameter value")
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(note, fontsize=8)
    return figure


def figure_bytes(figure: Figure, form: str) -> bytes:
    """The figure as "png" (200 dots an inch) or "svg"."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.BytesIO()
    {"png": FigureCanvasAgg, "svg": FigureCanvasSVG}[form](figure)
    figure.savefig(buffer, format=form, dpi=200)
    return buffer.getvalue()
