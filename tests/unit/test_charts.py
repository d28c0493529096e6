"""Arrays -> figures and tables."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.archs import architecture
from explorer import charts, paper_charts

LAYERS = architecture("lenetlike-digits").layout
COUNT = LAYERS[-1].stop


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Target and predicted parameters [P] that have something, but not all, in common."""
    random = np.random.default_rng(0)
    target = random.normal(0.1, 0.5, COUNT).astype(np.float32)
    return target, (0.7 * target + random.normal(0, 0.3, COUNT)).astype(np.float32)


def area(xs: list[int], ys: list[int]) -> float:
    """Signed area of a closed polygon (shoelace)."""
    return sum(x0 * y1 - x1 * y0 for x0, y0, x1, y1 in zip(xs, ys, xs[1:], ys[1:])) / 2


@given(st.integers(0, 400), st.integers(1, 400), st.integers(1, 60))
def test_a_boundary_encloses_exactly_its_cells(start, count, cols):
    """Law: the outline of n cells has area n, whatever the columns; and it is closed."""
    xs, ys = charts.boundary(start, start + count, cols)
    assert area(xs, ys) == count
    assert (xs[0], ys[0]) == (xs[-1], ys[-1])


def test_another_range_has_another_area():
    assert area(*charts.boundary(3, 20, 7)) != area(*charts.boundary(3, 21, 7))


@given(st.integers(1, 500), st.integers(1, 60))
def test_wrapping_keeps_the_order_and_fills_with_nan(count, cols):
    values = np.arange(count, dtype=np.float32)
    flat = charts.wrap(values, cols).ravel()
    assert np.array_equal(flat[:count], values)
    assert np.isnan(flat[count:]).all() and len(flat) - count < cols


def test_statistics_are_those_of_each_layer(pair):
    target, predicted = pair
    table = charts.statistics(LAYERS, target, predicted).set_index("layer")
    assert list(table.index) == [entry.name for entry in LAYERS] + ["all"]
    assert table["parameters"].iloc[:-1].sum() == table.loc["all", "parameters"] == COUNT
    assert np.isclose(np.sqrt((table["norm, target"].iloc[:-1] ** 2).sum()), table.loc["all", "norm, target"])
    entry = LAYERS[2]
    part = slice(entry.start, entry.stop)
    row = table.loc[entry.name]
    assert np.isclose(row["mean, predicted"], predicted[part].mean(), atol=1e-6)
    assert np.isclose(row["sd, target"], target[part].std(), atol=1e-6)
    assert np.isclose(row["relative error"], np.linalg.norm(predicted[part] - target[part]) / np.linalg.norm(target[part]), atol=1e-5)
    assert np.isclose(row["correlation"], np.corrcoef(target[part], predicted[part])[0, 1], atol=1e-5)
    assert 0.5 < row["correlation"] < 0.99


def test_a_perfect_prediction_has_no_error_and_a_constant_layer_no_correlation(pair):
    target, _ = pair
    table = charts.statistics(LAYERS, target, target)
    assert (table["relative error"] == 0).all() and np.allclose(table["correlation"], 1)
    table = charts.statistics(LAYERS, np.zeros(COUNT), target)
    assert table["correlation"].isna().all() and table["relative error"].isna().all()


def test_the_colour_scale_is_the_targets_percentiles_about_zero():
    assert charts.colour_limit(np.linspace(-1, 3, 101)) == pytest.approx(2.96)
    assert charts.colour_limit(np.zeros(10)) == 1.0


def test_shares_that_are_all_high_do_not_lie_flat_at_the_top():
    table = pd.DataFrame({"id": ["a", "b"], "split": "test", "architecture": ["one", "two"], "predicted_test_accuracy": [0.93, 0.98]})
    for lowest, wanted in ((0.95, (0.9, 1.01)), (0.2, (0, 1.02))):
        figure = paper_charts.accuracies(table.assign(test_accuracy=[lowest, 0.97]), ["#000000"])
        assert figure.layout.yaxis.range == pytest.approx(wanted)


def test_the_histogram_holds_both_distributions(pair):
    figure = charts.histogram(*pair, ["#000000", "#ff0000"])
    assert [trace.name for trace in figure.data] == ["target", "predicted"]
    for trace in figure.data:
        assert 0.97 < sum(trace.y) <= 1  # 99 % and more
    assert list(figure.data[0].y) != list(figure.data[1].y)


@pytest.mark.parametrize(
    "cols, names, box",
    [(58, ("target", "predicted", "difference"), None), (424, ("target", "predicted"), None), (90, ("difference",), (10, 5, 40, 20))],
)
def test_figures_are_pictures_that_open(pair, cols, names, box):
    figure = charts.prep_figure(*pair, LAYERS, cols, names, box, "an instance", "a note")
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == [charts.TITLES[name] for name in names]
    high = charts.colour_limit(pair[0])
    for axis in figure.axes[: len(names)]:
        assert axis.images[0].get_clim() == (-high, high)
        assert len(axis.lines) == len(LAYERS)
    if box:
        assert figure.axes[0].get_xlim() == (10, 40) and figure.axes[0].get_ylim() == (20, 5)
    image = Image.open(BytesIO(charts.figure_bytes(figure, "png")))
    assert image.format == "PNG" and min(image.size) > 300 and len(image.convert("RGB").getcolors(1 << 24)) > 100
    assert ElementTree.fromstring(charts.figure_bytes(figure, "svg")).tag.endswith("svg")


def test_importing_charts_imports_no_drawing():
    code = "import sys, explorer.charts; print([name for name in ('matplotlib', 'plotly', 'torch') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
