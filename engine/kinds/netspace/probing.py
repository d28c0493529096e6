"""Linear probes: how much of a property is a linear function of some features of networks (Unterthiner et al., 2020).

A ridge for numbers, a logistic regression for categories, both over standardised features; the strength of the regularisation is the
one that validation instances like best, and held-out instances are looked at once. Intervals are over 1 000 draws of those, with
repetition.

Legend: T training, V validation, H held-out instances, F features, S draws.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

DRAWS, SEED = 1000, 0
RIDGES = tuple(10.0**power for power in range(-8, 7))
LOGISTICS = tuple(10.0**power for power in range(-5, 4))  # inverse strengths
LEAST = 5  # validation instances; of fewer, a fifth of the training instances choose


@dataclass(frozen=True)
class Rows:
    """Which instances train, choose and are held out: row numbers."""

    train_T: np.ndarray
    val_V: np.ndarray
    test_H: np.ndarray

    @property
    def choosing(self) -> tuple[np.ndarray, np.ndarray]:
        """(rows that train, rows that choose)."""
        if len(self.val_V) >= LEAST:
            return self.train_T, self.val_V
        every = np.arange(len(self.train_T)) % 5 == 4
        return self.train_T[~every], np.concatenate([self.train_T[every], self.val_V])


@dataclass(frozen=True)
class Figure:
    """A figure on held-out instances, with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    @property
    def defined(self) -> bool:
        return math.isfinite(self.value)


NONE = Figure(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Probe:
    """What a probe says of a property: R² and Kendall's tau of a number, the share of right answers of a category."""

    predicted_H: np.ndarray
    strength: float  # of the regularisation, that was chosen
    r2: Figure = NONE
    tau: Figure = NONE
    accuracy: Figure = NONE


def probe_number(features_NF: np.ndarray, values_N: np.ndarray, rows: Rows) -> Probe:
    """A ridge's."""
    fits, chooses = rows.choosing
    scored = [(r2(values_N[chooses], ridge(features_NF, values_N, fits, chooses, each)), each) for each in RIDGES]
    strength = max(scored, key=lambda pair: (pair[0], pair[1]))[1]  # of equals the strongest
    predicted_H = ridge(features_NF, values_N, rows.train_T, rows.test_H, strength)
    true_H, weights_SH = values_N[rows.test_H], draws(len(rows.test_H))
    return Probe(
        predicted_H, strength,
        figure(r2(true_H, predicted_H), r2_drawn(true_H, predicted_H, weights_SH)),
        figure(*tau_drawn(true_H, predicted_H, weights_SH)),
    )  # fmt: skip


def probe_category(features_NF: np.ndarray, labels_N: np.ndarray, rows: Rows) -> Probe:
    """A logistic regression's; categories that no training instance has are always wrong."""
    fits, chooses = rows.choosing
    scored = [(likelihood(features_NF, labels_N, fits, chooses, each), each) for each in LOGISTICS]
    inverse = max(scored, key=lambda pair: (pair[0], -pair[1]))[1]
    scaled_NF = standardised(features_NF, rows.train_T)
    predicted_H = logistic(scaled_NF[rows.train_T], labels_N[rows.train_T], inverse).predict(scaled_NF[rows.test_H])
    right_H = (predicted_H == labels_N[rows.test_H]).astype(float)
    weights_SH = draws(len(right_H))
    return Probe(predicted_H, 1 / inverse, accuracy=figure(float(right_H.mean()), weights_SH @ right_H / weights_SH.sum(1)))


def standardised(features_NF: np.ndarray, of_T: np.ndarray) -> np.ndarray:
    """Features in units of their spread over some instances; those that do not vary there are zero."""
    mean_F, spread_F = features_NF[of_T].mean(0), features_NF[of_T].std(0)
    return np.where(spread_F > 1e-12, (features_NF - mean_F) / np.maximum(spread_F, 1e-12), 0.0)


def ridge(features_NF: np.ndarray, values_N: np.ndarray, fits: np.ndarray, on: np.ndarray, strength: float) -> np.ndarray:
    """Predictions on some rows of a ridge that others fitted."""
    from sklearn.linear_model import Ridge

    scaled_NF = standardised(features_NF, fits)
    middle, spread = values_N[fits].mean(), max(values_N[fits].std(), 1e-12)
    found = Ridge(strength, solver="svd").fit(scaled_NF[fits], (values_N[fits] - middle) / spread)
    return found.predict(scaled_NF[on]) * spread + middle


def logistic(features_NF: np.ndarray, labels_N: np.ndarray, inverse: float):
    """A fitted logistic regression; one that has not converged is still a probe."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=inverse, max_iter=300).fit(features_NF, labels_N)


def likelihood(features_NF: np.ndarray, labels_N: np.ndarray, fits: np.ndarray, on: np.ndarray, inverse: float) -> float:
    """Mean log-likelihood of the labels of some rows, by a regression that others fitted."""
    scaled_NF = standardised(features_NF, fits)
    found = logistic(scaled_NF[fits], labels_N[fits], inverse)
    place = {label: at for at, label in enumerate(found.classes_)}
    likely_NC = found.predict_proba(scaled_NF[on])
    return float(np.mean([np.log(max(1e-9, row[place[label]] if label in place else 0)) for row, label in zip(likely_NC, labels_N[on])]))


def r2(true_H: np.ndarray, predicted_H: np.ndarray) -> float:
    """1 - squared error / squared deviation from the mean; NaN where all true values are equal."""
    return float(r2_drawn(true_H, predicted_H, np.ones((1, len(true_H))))[0])


def draws(count: int) -> np.ndarray:
    """How often each of `count` instances is in each of the draws with repetition [S, H]."""
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS).astype(float)


def r2_drawn(true_H: np.ndarray, predicted_H: np.ndarray, weights_SH: np.ndarray) -> np.ndarray:
    """R² [S] of each draw."""
    mean_S1 = (weights_SH @ true_H / weights_SH.sum(1))[:, None]
    apart_S = (weights_SH * (true_H - mean_S1) ** 2).sum(1)
    wrong_S = weights_SH @ (true_H - predicted_H) ** 2
    return np.where(apart_S > 1e-12 * max(1e-300, np.ptp(true_H) ** 2), 1 - wrong_S / np.where(apart_S > 0, apart_S, 1), np.nan)


def tau_drawn(true_H: np.ndarray, predicted_H: np.ndarray, weights_SH: np.ndarray) -> tuple[float, np.ndarray]:
    """Kendall's tau-b, and that of each draw [S]."""
    true_HH, said_HH = (np.sign(each[:, None] - each[None]) for each in (true_H, predicted_H))

    def of(weights_SH: np.ndarray) -> np.ndarray:
        both, one, other = (((weights_SH @ each) * weights_SH).sum(1) for each in (true_HH * said_HH, abs(true_HH), abs(said_HH)))
        return np.where((one > 0) & (other > 0), both / np.sqrt(np.maximum(one * other, 1e-300)), np.nan)

    return float(of(np.ones((1, len(true_H))))[0]), of(weights_SH)


def figure(value: float, drawn_S: np.ndarray) -> Figure:
    """A figure with the interval of its draws."""
    if not np.isfinite(value):
        return NONE
    drawn_S = drawn_S[np.isfinite(drawn_S)]
    low, high = np.percentile(drawn_S, (2.5, 97.5)) if len(drawn_S) else (value, value)
    return Figure(round(value, 4), round(float(low), 4), round(float(high), 4))
