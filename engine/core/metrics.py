"""Metrics as manifests hold them: {"value", "split", "n"}, of what was measured n times also "spread".

A value that is not defined (a correlation of equal numbers, a mean of nothing) is None, and "reason" says why: a small run ends with
what it could measure.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

EMPTY, UNDEFINED = "nothing to measure", "not defined for what was measured"


def single(value: float, split: str, n: int, reason: str = UNDEFINED) -> dict:
    """A metric that was measured once over `n` things; `reason` is why it may not be defined."""
    if not math.isfinite(value):
        return {"value": None, "split": split, "n": n, "reason": reason}
    return {"value": round(value if isinstance(value, int) else float(value), 6), "split": split, "n": n}


def mean(values, split: str, reason: str = UNDEFINED) -> dict:
    """The mean of what was measured n times, with its standard deviation; of those that are defined, where some are not."""
    values = np.asarray(values, dtype=float)
    defined = values[np.isfinite(values)]
    if not len(defined):
        return {"value": None, "split": split, "n": 0, "reason": reason if len(values) else EMPTY}
    return {"value": round(float(defined.mean()), 6), "split": split, "n": len(defined), "spread": round(float(defined.std()), 6)}


def correlation(first_N, second_N, split: str) -> dict:
    """Pearson's, of n pairs."""
    same = min(np.ptp(first_N), np.ptp(second_N)) == 0
    value = math.nan if same else float(np.corrcoef(first_N, second_N)[0, 1])
    return single(value, split, len(first_N), "all values are equal")


def rank_correlation(first_N, second_N) -> float:
    """Spearman's, of n pairs; NaN where all values of one are equal."""
    from scipy.stats import spearmanr

    if min(np.ptp(first_N), np.ptp(second_N)) == 0:
        return math.nan
    found: Any = spearmanr(first_N, second_N)  # SciPy has no type for it
    return float(found.statistic)
