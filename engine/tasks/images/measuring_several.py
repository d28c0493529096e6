"""How good a space of several architectures is: the paper's fig. 5, in figures.

Legend: N instances, P parameters (of the largest architecture), A architectures, E embedding, G gammas, B images.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...core.metrics import mean as metric
from ...core.metrics import single
from ...core.seeds import generator
from ...nets.alignment import ASKED, aligned_all
from ...nets.by_architecture import accuracies_by_architecture
from .measuring import aligned_floors, along, counted, pairs, path_accuracies
from .teaching import gammas

WITHIN = 8  # pairs of each architecture
LINES = 16  # from an instance of the smallest to one of the largest architecture
FINE = 101  # gammas along a line


@torch.no_grad()
def networks(model, embeddings_NE: Tensor) -> tuple[Tensor, Tensor]:
    """Parameters [N, P] and ClassIds [N] of the networks at embeddings."""
    parts = [(model.decode(part), model.class_logits(part).argmax(-1)) for part in embeddings_NE.split(64)]
    parameters_NP, ids_N = (torch.cat(each) for each in zip(*parts))
    return parameters_NP, ids_N


def lines(zoo, split: str, seed: int) -> tuple[list[int], list[int]]:
    """Rows where LINES different lines start (smallest architecture) and end (largest), drawn from a split; all where there are fewer."""
    random = generator(seed, 21)
    groups = [torch.tensor(zoo.rows(split, id_)) for id_ in (0, len(zoo.archs) - 1)]
    count, drawn = min(LINES, len(groups[0]) * len(groups[1])), {}
    while len(drawn) < count:
        drawn |= dict.fromkeys(zip(*(rows[torch.randint(len(rows), (LINES,), generator=random)].tolist() for rows in groups)))
    starts, ends = zip(*list(drawn)[:count])
    return list(starts), list(ends)


def is_ordered(class_ids_G: list[int], architectures: int) -> bool:
    """Whether ClassIds never fall along a line and each of them appears."""
    return class_ids_G == sorted(class_ids_G) and set(class_ids_G) == set(range(architectures))


@torch.no_grad()
def evaluate_several(
    model, zoo, images, shown: tuple[int, ...], instance_split: str, image_split: str, seed: int = 0, brief: int = 0
) -> dict:
    """All metrics of a space of several architectures, over a split's instances and a split's images (`brief` above 0: the first so
    many). `shown` gives how many instances of each architecture the space was trained on: those of 0 are *unseen*, and are not encoded
    here."""
    where = f"{instance_split} instances, {counted(images, image_split, brief)}"
    images = images.first(brief)
    archs, images_BCHW, labels_B = zoo.archs, images.images[image_split], images.labels[image_split]
    target_N = zoo.table[f"{image_split}_accuracy"].to_numpy()
    if brief:  # on the same images
        ids_N = torch.tensor(zoo.class_ids_N, device=zoo.parameters_NP.device)
        target_N = accuracies_by_architecture(zoo.parameters_NP, ids_N, images_BCHW, labels_B, archs).cpu().numpy()
    seen = [id_ for id_, count in enumerate(shown) if count]
    metrics, right, embeddings = {}, [], {}
    for id_ in seen:
        rows = zoo.rows(instance_split, id_)
        embeddings[id_] = model.encode(zoo.parameters_NP[rows])
        predicted_NP, ids_N = networks(model, embeddings[id_])
        found_N = accuracies_by_architecture(predicted_NP, ids_N, images_BCHW, labels_B, archs).cpu().numpy()
        right += (ids_N == id_).tolist()
        metrics[f"gap_mean_{archs[id_].id}"] = metric(np.abs(found_N - target_N[rows]), where)
        metrics[f"target_accuracy_{archs[id_].id}"] = metric(target_N[rows], where)
        metrics[f"predicted_accuracy_{archs[id_].id}"] = metric(found_N, where)
    metrics = {"class_id_accuracy": metric(right, where) | {"spread": None}} | metrics
    between = np.linalg.norm(np.stack([e.mean(0).cpu().numpy() for e in embeddings.values()]).std(0))
    within = np.sqrt(np.mean([e.var(0, correction=0).sum().item() for e in embeddings.values()]))
    split = f"{instance_split} instances, spread within an architecture over spread between them"
    share = float(within / between) if between > 0 else np.nan
    metrics["spread_within_share"] = single(share, split, len(right), "the architectures' mean embeddings are equal")
    metrics |= floors_within(model, zoo, images, target_N, embeddings, instance_split, image_split, where, seed, brief)
    return metrics | along_lines(model, zoo, images_BCHW, labels_B, target_N, shown, instance_split, where, seed)


def floors_within(
    model, zoo, images, target_N: np.ndarray, embeddings: dict[int, Tensor], split: str, image_split: str, where: str, seed: int,
    brief: int = 0,
) -> dict:
    """The worst accuracy on the way between two good instances of one architecture, WITHIN pairs of each that was seen: through the space,
    and along the weights, which can be mixed there, as they are and after alignment in each of the ways; if brief, by
    weights alone."""  # fmt: skip
    shown = images.images[image_split], images.labels[image_split]
    floors: dict[str, list[float]] = {}
    for id_, embeddings_NE in embeddings.items():
        if len(embeddings_NE) < 2:
            continue
        arch, rows = zoo.archs[id_], zoo.rows(split, id_)
        first, last = (list(side) for side in zip(*pairs(target_N[rows], seed)["good_good"][:WITHIN]))
        own_NP = zoo.parameters_NP[rows][:, : arch.parameters]
        ways_NGE = along(embeddings_NE[first], embeddings_NE[last])
        through = [accuracies_by_architecture(*networks(model, way_GE), *shown, zoo.archs).min().item() for way_GE in ways_NGE]
        weights = path_accuracies(torch.nn.Identity(), own_NP[first], own_NP[last], *shown, arch).min(-1).tolist()
        if brief:
            mixed = path_accuracies(torch.nn.Identity(), own_NP[first], aligned_all(arch, own_NP[first], own_NP[last]), *shown, arch)
            aligned = {"aligned_path": mixed.min(-1).tolist()}
        else:
            aligned = aligned_floors(arch, own_NP[first], own_NP[last], images.images["train"][:ASKED], *shown)
        for name, each in {"path": through, "weight_path": weights, **aligned}.items():
            floors.setdefault(name, []).extend(each)
    said = f"pairs of good {where}, both of one architecture"
    found = {f"within_{name}_floor_mean": metric(each, said) for name, each in floors.items()}
    if brief:
        return found
    beaten = [ours > max(mixed) for ours, *mixed in zip(*floors.values())]
    return found | {"within_path_beats_mixing_share": metric(beaten, said) | {"spread": None}}


def along_lines(
    model, zoo, images_BCHW: Tensor, labels_B: Tensor, target_N: np.ndarray, shown, split: str, where: str, seed: int
) -> dict:
    """`path_ordered_share`: lines along which the ClassIds rise and all appear. At the gammas of eq. 12 the share of right
    ClassIds and |accuracy - mean of that architecture's zoo|: the mean for each architecture, the largest of all lines, and
    the largest of the unseen ones."""
    archs, count = zoo.archs, len(zoo.archs)
    starts, ends = lines(zoo, split, seed)
    a_NE, b_NE = model.encode(zoo.parameters_NP[starts]), model.encode(zoo.parameters_NP[ends])
    fine_G = torch.linspace(0, 1, FINE, device=a_NE.device)[:, None]
    ordered = [is_ordered(model.class_logits(torch.lerp(a_E, b_E, fine_G)).argmax(-1).tolist(), count) for a_E, b_E in zip(a_NE, b_NE)]
    where = f"{len(starts)} lines between {where}"
    metrics = {"path_ordered_share": metric(ordered, where) | {"spread": None}}
    gaps, right = {}, []
    for id_, gamma in enumerate(gammas(count), start=1):
        parameters_NP, ids_N = networks(model, torch.lerp(a_NE, b_NE, gamma))
        found_N = accuracies_by_architecture(parameters_NP, ids_N, images_BCHW, labels_B, archs).cpu().numpy()
        gaps[id_] = np.abs(found_N - target_N[zoo.rows(split, id_)].mean())
        right += (ids_N == id_).tolist()
        metrics[f"gamma_accuracy_{archs[id_].id}"] = metric(found_N, where)
    metrics["gamma_class_id_accuracy"] = metric(right, where) | {"spread": None}
    for name, ids in (("gamma_gap_max", [i for i in gaps if shown[i]]), ("gamma_gap_max_unseen", [i for i in gaps if not shown[i]])):
        if ids:
            metrics[name] = metric([max(gaps[i].max() for i in ids)], where) | {"n": len(starts) * len(ids), "spread": None}
    return metrics
