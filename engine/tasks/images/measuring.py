"""How good a space is: figures of the paper's fig. 3, measured from the weights on a named split.

Legend: N instances, P parameters, E embedding, G gammas, B images.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture
from ...core.metrics import correlation, rank_correlation
from ...core.metrics import mean as metric
from ...core.seeds import generator
from ...nets.alignment import ASKED, WAYS, aligned_all, mixtures
from ...nets.answers import accuracies, classes, share
from .lso import invert

PAIRS, FEW_PAIRS = 32, 8  # along whose paths is measured; where it has to be brief
POOR, GOOD = 0.3, 0.9  # accuracies
GAMMAS = torch.linspace(0, 1, 21)
INVERSION_STEPS = 100
FLAT = "accuracy is the same all along"  # why a rank correlation may not be defined
BANDS = (("below_0.3", 0.0, 0.3), ("0.3_to_0.8", 0.3, 0.8), ("above_0.8", 0.8, 1.01))


def pairs(accuracy_N: np.ndarray, seed: int, most: int = PAIRS) -> dict[str, list[tuple[int, int]]]:
    """(poor, good) and (good, good) pairs among instances: poor are below POOR, good at GOOD or above (where fewer than four
    are, the lowest and the highest quarter). `most` of each, drawn without repetition, there and back being one pair; all where
    there are fewer."""
    assert len(accuracy_N) >= 2, "a pair needs two instances"
    order = np.argsort(accuracy_N, kind="stable")
    quarter = max(2, len(order) // 4)
    poor, good = np.flatnonzero(accuracy_N < POOR), np.flatnonzero(accuracy_N >= GOOD)
    poor = poor if len(poor) >= 4 else order[:quarter]
    good = good if len(good) >= 4 else order[-quarter:]
    random = generator(seed, 21)

    def draw(from_, to) -> list[tuple[int, int]]:
        possible = {frozenset(pair) for pair in product(from_, to) if len(set(pair)) == 2}
        drawn = {}
        while len(drawn) < min(most, len(possible)):
            a, b = (int(group[torch.randint(len(group), (), generator=random)]) for group in (from_, to))
            if a != b:
                drawn.setdefault(frozenset((a, b)), (a, b))
        return list(drawn.values())

    return {"poor_good": draw(poor, good), "good_good": draw(good, good)}


def along(start_NX: Tensor, end_NX: Tensor) -> Tensor:
    """Points of the straight lines from start to end at GAMMAS [N, G, X]."""
    gammas_G1 = GAMMAS.to(start_NX.device)[:, None]
    return (1 - gammas_G1) * start_NX[:, None] + gammas_G1 * end_NX[:, None]


@torch.no_grad()
def path_accuracies(decode, starts_NX: Tensor, ends_NX: Tensor, images_BCHW: Tensor, labels_B: Tensor, arch: Architecture) -> np.ndarray:
    """Accuracy [N, G] of the networks on each line; `decode` turns points [M, X] into parameters [M, P]."""
    points_NGX = along(starts_NX, ends_NX)
    rows = [accuracies(decode(points_GX), images_BCHW, labels_B, arch) for points_GX in points_NGX]
    return torch.stack(rows).cpu().numpy()


def evaluate(
    model, targets_NP: Tensor, arch: Architecture, images, instance_split: str, image_split: str, seed: int = 0, measured: int = 0,
    brief: int = 0,
) -> dict:
    """All metrics of a single-architecture classification space, over the instances `targets_NP` and the images of a split; along
    paths over its first `measured` images (0 for all). `weight_path_*` mixes the targets' weights as they are, `aligned_path_*` after
    the second's units are ordered as the first's (Git Re-Basin's weight matching), and `aligned_activations_path_*` and so on in the
    other ways of engine.nets.ways. `path_beats_mixing_share` is the share of good pairs on which the space's worst network is
    better than that of any mixture.

    The embedding refined by inversion (`placed_*`) is fitted to the target's answers on training images, without labels.

    `brief` above 0 measures on the first so many images alone, along FEW_PAIRS, and leaves out inversion and all baselines but the
    weights as they are and aligned.
    """  # fmt: skip
    shown = images.first(brief)
    images_BCHW, labels_B = shown.images[image_split], shown.labels[image_split]
    where = f"{instance_split} instances, {counted(images, image_split, brief)}"
    with torch.no_grad():
        embeddings_NE = model.encode(targets_NP)
        predicted_NP = model.decode(embeddings_NE)
    target_NB, predicted_NB = classes(targets_NP, images_BCHW, arch), classes(predicted_NP, images_BCHW, arch)
    target_N, predicted_N = share(target_NB, labels_B), share(predicted_NB, labels_B)
    gap_N = np.abs(target_N - predicted_N)
    metrics = {"gap_mean": metric(gap_N, where)}
    for name, low, high in BANDS:
        metrics[f"gap_mean_{name}"] = metric(gap_N[(target_N >= low) & (target_N < high)], where)
    metrics["gap_correlation"] = correlation(target_N, predicted_N, where)
    metrics["agreement"] = metric((target_NB == predicted_NB).float().mean(-1).cpu(), where)

    if not brief:
        few = images.first(measured)
        placed_NE = invert(model, arch, targets_NP, embeddings_NE, few, INVERSION_STEPS)
        with torch.no_grad():
            placed_NB = classes(model.decode(placed_NE), images_BCHW, arch)
        metrics["placed_gap_mean"] = metric(np.abs(target_N - share(placed_NB, labels_B)), where)
        metrics["placed_agreement"] = metric((target_NB == placed_NB).float().mean(-1).cpu(), where)
        images_BCHW, labels_B = few.images[image_split], few.labels[image_split]
        where = f"{instance_split} instances, {counted(images, image_split, measured)}"

    chosen = pairs(target_N, seed, FEW_PAIRS if brief else PAIRS)
    for name, group in chosen.items():
        first, last = (torch.tensor(side) for side in zip(*group))
        path = path_accuracies(model.decode, embeddings_NE[first], embeddings_NE[last], images_BCHW, labels_B, arch)
        mixed = partial(path_accuracies, torch.nn.Identity(), targets_NP[first], images_BCHW=images_BCHW, labels_B=labels_B, arch=arch)
        weights = mixed(targets_NP[last])
        if name == "poor_good":
            gammas = GAMMAS.numpy()
            line = path[:, :1] * (1 - gammas) + path[:, -1:] * gammas
            metrics["path_spearman_mean"] = metric([rank_correlation(gammas, row) for row in path], where, FLAT)
            metrics["weight_path_spearman_mean"] = metric([rank_correlation(gammas, row) for row in weights], where, FLAT)
            metrics["weight_path_middle_mean"] = metric(weights[:, len(gammas) // 2], where)
            aligned = mixed(aligned_all(arch, targets_NP[first], targets_NP[last]))
            metrics["aligned_path_spearman_mean"] = metric([rank_correlation(gammas, row) for row in aligned], where, FLAT)
            metrics["aligned_path_middle_mean"] = metric(aligned[:, len(gammas) // 2], where)
            metrics["path_linearity_gap"] = metric(np.abs(path - line).mean(-1), where)
        else:
            metrics["path_floor_mean"] = metric(path.min(-1), where)
            metrics["weight_path_floor_mean"] = metric(weights.min(-1), where)
            if brief:
                aligned = mixed(aligned_all(arch, targets_NP[first], targets_NP[last]))
                metrics["aligned_path_floor_mean"] = metric(aligned.min(-1), where)
                continue
            floors = aligned_floors(arch, targets_NP[first], targets_NP[last], images.images["train"][:ASKED], images_BCHW, labels_B)
            metrics |= {f"{way}_floor_mean": metric(floor_N, where) for way, floor_N in floors.items()}
            beaten_N = path.min(-1) > np.max([weights.min(-1), *floors.values()], 0)
            metrics["path_beats_mixing_share"] = metric(beaten_N, where) | {"spread": None}
    return metrics


@torch.no_grad()
def aligned_floors(
    arch: Architecture, starts_NP: Tensor, ends_NP: Tensor, asked_BCHW: Tensor, images_BCHW: Tensor, labels_B: Tensor
) -> dict[str, list[float]]:
    """The lowest accuracy [N] on the way from each start to its end, weights mixed after alignment in each of the ways."""
    found: dict[str, list[float]] = {way.replace("-", "_") + "_path": [] for way in WAYS}
    for a_P, b_P in zip(starts_NP, ends_NP):
        ways = mixtures(arch, a_P, b_P, GAMMAS.tolist(), asked_BCHW).values()
        for floor_N, mixed_GP in zip(found.values(), ways):
            floor_N.append(float(accuracies(mixed_GP, images_BCHW, labels_B, arch).min()))
    return found


def counted(images, split: str, measured: int) -> str:
    """'test images', or 'the first 2000 of 10000 test images'."""
    total = len(images.labels[split])
    return f"the first {measured} of {total} {split} images" if 0 < measured < total else f"{split} images"
