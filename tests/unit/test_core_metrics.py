"""Metrics of small runs: what is not defined is null and says why, and a manifest takes it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from engine.cli.command import metric_lines
from engine.core import metrics
from engine.core.artifacts import Manifest, Store


@pytest.mark.parametrize(
    "entry",
    [
        metrics.correlation(np.ones(3), np.arange(3), "x"),
        metrics.correlation(np.arange(1), np.arange(1), "x"),
        metrics.single(math.nan, "x", 3),
        metrics.single(math.inf, "x", 3),
        metrics.mean([], "x"),
        metrics.mean([math.nan, math.nan], "x"),
        metrics.mean([metrics.rank_correlation(range(3), [1, 1, 1])], "x"),
    ],
    ids=range(7),
)
def test_what_is_not_defined_is_null_with_its_reason_and_is_stored(entry, tmp_path):
    assert entry["value"] is None and entry["reason"]
    store = Store(tmp_path, tmp_path / "gallery")
    store.write(Manifest("z", "zoo", "Z", "", "", {}, metrics={"m": entry}), {"a.safetensors": {"x": np.zeros(1, "float32")}})
    assert store.open("z").manifest.metrics["m"] == entry
    json.dumps(entry, allow_nan=False)
    assert entry["reason"] in metric_lines({"m": entry})[0]


def test_what_is_defined_is_numpys_and_scipys():
    from scipy.stats import spearmanr

    first, second = np.random.default_rng(0).normal(size=(2, 20))
    assert metrics.correlation(first, second, "x")["value"] == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-6)
    assert metrics.rank_correlation(first, second) == spearmanr(first, second).statistic
    assert metrics.mean(first, "x") == {"value": round(first.mean(), 6), "split": "x", "n": 20, "spread": round(first.std(), 6)}
    assert metrics.mean([1, math.nan, 3], "x") == {"value": 2.0, "split": "x", "n": 2, "spread": 1.0}
    assert metrics.single(7, "x", 1)["value"] == 7 and isinstance(metrics.single(7, "x", 1)["value"], int)
