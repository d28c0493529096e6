"""What an embedding knows: a property that is a linear function of the features has R² 1, one that was shuffled about 0, and intervals hold
what they are of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from engine.kinds.netspace import probing
from engine.kinds.netspace.probing import Rows, probe_category, probe_number
from engine.kinds.netspace.properties import COMPONENTS, EMBEDDING, STATISTICS, properties, table_of

COUNT = 240
ROWS = Rows(np.arange(0, 140), np.arange(140, 180), np.arange(180, COUNT))


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(COUNT, 12)) * np.logspace(-3, 3, 12)  # probes do not mind units


def linear(features: np.ndarray) -> np.ndarray:
    return 5 + (features / features.std(0)) @ np.linspace(-1, 2, features.shape[1])


def test_a_linear_function_of_the_embedding_is_read_without_error(features):
    found = probe_number(features, linear(features), ROWS)
    assert found.r2.value > 0.999 and found.tau.value > 0.99 and found.r2.low <= found.r2.value <= found.r2.high


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_property_is_not_read_at_all(features, seed):
    shuffled = np.random.default_rng(seed + 1).permutation(linear(features))
    found = probe_number(features, shuffled, ROWS)
    assert -0.3 < found.r2.value < 0.15 and abs(found.tau.value) < 0.3 and found.r2.low < 0.05


def test_categories_likewise(features):
    values = linear(features)
    labels = np.where(values > np.quantile(values, 0.6), "high", "low").astype(object)
    assert probe_category(features, labels, ROWS).accuracy.value > 0.95
    shuffled = np.random.default_rng(1).permutation(labels)
    chance = max((shuffled[ROWS.test_H] == name).mean() for name in ("high", "low"))
    assert probe_category(features, shuffled, ROWS).accuracy.value <= chance + 0.1


def test_few_validation_instances_leave_the_choice_to_some_of_the_training_ones():
    few = Rows(np.arange(20), np.arange(20, 22), np.arange(22, 30))
    fits, chooses = few.choosing
    assert not set(fits) & set(chooses) and set(fits) | set(chooses) == set(range(22)) and not set(chooses) & set(few.test_H)


def test_tau_is_scipys_and_ties_count():
    first, second = np.array([1.0, 2, 2, 3, 5, 4, 1]), np.array([2.0, 1, 3, 3, 4, 4, 0])
    assert probing.tau_drawn(first, second, probing.draws(7))[0] == pytest.approx(kendalltau(first, second).statistic)
    assert probe_number(np.zeros((COUNT, 2)), np.arange(COUNT) * 1.0, ROWS).tau.defined is False, "a constant has no order"


def test_the_shipped_space_knows_accuracy_better_than_the_raw_weights_do(gallery_store):
    from engine.kinds.netspace.space import load_space

    found = {each.name: each for each in properties(load_space(gallery_store, "netspace-digits"))}
    assert {"log10 steps", "test_accuracy", "generalisation_gap"} <= found.keys() and "seed" not in found
    probes = found["test_accuracy"].probes
    assert list(probes) == [EMBEDDING, STATISTICS, COMPONENTS]
    assert probes[EMBEDDING].r2.low > probes[COMPONENTS].r2.high and probes[EMBEDDING].tau.value > 0.7
    assert len(found["test_accuracy"].ids_H) == 64 == len(found["test_accuracy"].true_H)
    assert len(table_of(list(found.values()))) == len(found)
    assert found["test_accuracy"].as_json()["probes"][EMBEDDING]["r2"]["value"] == probes[EMBEDDING].r2.value
