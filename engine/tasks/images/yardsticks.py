"""What a space of classifiers gives for networks that it was not trained on, beside what is at hand without a space: the training
instance that answers most alike, and the mean of the training networks.

Legend: T training instances, H held-out instances, P parameters, B images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...nets.answers import classes, share
from ...nets.by_architecture import by_architecture
from ..task import Yardstick

GAP, SPEARMAN, ORDERED = 0.05, 0.95, 0.95  # what counts as learnt


def measured(space: Any) -> list[Yardstick]:
    """The figures of a space, as its manifest has them, beside those of the nearest training instance (by its answers to the images that
    choose) and of the mean training network, measured now. Raises DataMissing."""
    held_H, train_T = np.flatnonzero(space.table["split"] == "test"), space.trained
    if space.several:  # of architectures that it never saw, too
        held_H = held_H[space.table["seen"].to_numpy()[held_H].astype(bool)]
    images = space.needed_images().first(space.config.brief)
    labels_B = images.labels["test"]
    choosing_BCHW = space.choosing_images().images["val"]
    answers_HB = answers(space, held_H, images.images["test"])
    alike_HT = alike(answers(space, held_H, choosing_BCHW), answers(space, train_T, choosing_BCHW))
    nearest_HB = answers(space, train_T[alike_HT.argmax(1).cpu().numpy()], images.images["test"])
    mean_HB = mean_answers(space, held_H, train_T, images.images["test"])

    def gap(other_HB: Tensor) -> float:
        return float(np.abs(share(other_HB, labels_B) - share(answers_HB, labels_B)).mean())

    def agreement(other_HB: Tensor) -> float:
        return float((other_HB == answers_HB).float().mean())

    table, metrics = space.table, {name: entry.get("value") for name, entry in space.manifest.metrics.items()}
    if space.config.brief:  # on the same images
        known_N = np.full(len(table), np.nan)
        known_N[held_H], known_N[train_T] = share(answers_HB, labels_B), share(answers(space, train_T, images.images["test"]), labels_B)
    else:
        known_N = table["test_accuracy"].to_numpy()
    gap_N = np.abs(table["predicted_test_accuracy"].to_numpy() - known_N)
    found = [
        Yardstick(
            "gap", "accuracy gap", float(gap_N[held_H].mean()), len(held_H), gap(nearest_HB), gap(mean_HB), goal=GAP, rises=False,
            seen=float(gap_N[train_T].mean()),
        )
    ]  # fmt: skip
    if space.several:
        ordered, lines = metrics.get("path_ordered_share"), space.manifest.metrics.get("path_ordered_share", {}).get("n", 0)
        right = metrics.get("class_id_accuracy")
        return [
            *found,
            Yardstick("class_id", "architecture read right", right, len(held_H), goal=ORDERED),
            Yardstick("path_ordered", "paths through all architectures in order", ordered, lines, goal=ORDERED),
        ]
    paths = space.manifest.metrics.get("path_spearman_mean", {}).get("n", 0)
    floors = space.manifest.metrics.get("path_floor_mean", {}).get("n", 0)
    return [
        *found,
        Yardstick("agreement", "agreement", metrics.get("agreement"), len(held_H), agreement(nearest_HB), agreement(mean_HB)),
        Yardstick(
            "path_spearman", "path, Spearman poor to good", metrics.get("path_spearman_mean"), paths, goal=SPEARMAN,
            weights=metrics.get("aligned_path_spearman_mean"),
        ),
        Yardstick(
            "path_floor", "path, floor good to good", metrics.get("path_floor_mean"), floors,
            weights=metrics.get("aligned_path_floor_mean"),
        ),
    ]  # fmt: skip


def class_ids(space: Any, rows_N: np.ndarray) -> Tensor:
    """ClassIds [N] of some instances; zeros where there is one architecture."""
    ids_N = space.table["class_id"].to_numpy()[rows_N] if space.several else np.zeros(len(rows_N), int)
    return torch.tensor(ids_N, device=space.parameters_NP.device)


@torch.no_grad()
def answers(space: Any, rows_N: np.ndarray, images_BCHW) -> Tensor:
    """Classes [N, B] that some instances answer."""
    return asked(space, space.parameters_NP[rows_N], class_ids(space, rows_N), images_BCHW)


@torch.no_grad()
def asked(space: Any, parameters_NP: Tensor, ids_N: Tensor, images_BCHW) -> Tensor:
    """Classes [N, B] that networks of those architectures answer."""
    return by_architecture(lambda part_NP, arch: classes(part_NP, images_BCHW, arch), parameters_NP, ids_N, space.archs)


def alike(first_HB: Tensor, second_TB: Tensor) -> Tensor:
    """Share of equal answers [H, T]."""
    return torch.stack([(second_TB == one_B).float().mean(-1) for one_B in first_HB])


def mean_answers(space: Any, held_H: np.ndarray, train_T: np.ndarray, images_BCHW) -> Tensor:
    """Classes [H, B] of the mean of the training networks of each held-out instance's architecture."""
    ids_T, ids_H = class_ids(space, train_T), class_ids(space, held_H)
    own = ids_H.unique()
    means_AP = torch.stack([space.parameters_NP[train_T][ids_T == id_].mean(0) for id_ in own])
    return asked(space, means_AP, own, images_BCHW)[torch.searchsorted(own, ids_H)]
