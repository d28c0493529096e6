"""How good a space of shapes is: measured from the weights, as intersections over union (IoU) on a grid of 48 cells an axis.

Legend: N instances, P parameters, E embedding, M cells of the grid, T training rows, H held-out rows.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture
from ...archs.siren import siren_field
from ...core.metrics import mean as metric
from ...core.metrics import single
from ...core.seeds import generator
from ...nets.alignment import aligned_all
from .chairs import interpolate, sdf, topology
from .inversion import STEPS, known, place
from .matching import query_error
from .measures import chamfer, component_volumes
from .meshing import Mesh, mesh
from .networks import grid, insides, ious, layers_of, queries, rows_of, values
from .sources import chairs_of

MIDPOINT_PAIRS, PATH_PAIRS, CHAMFERS, SCORED = 24, 64, 40, 4096
GAMMAS = [round(0.1 * i, 1) for i in range(1, 10)]
RESOLUTION = 64  # of the meshes


def evaluate_shapes(model, parameters_NP: Tensor, table, arch: Architecture, seed: int = 0) -> tuple[dict, Tensor]:
    """All metrics of a space of shapes, and the IoU [N] of each predicted instance with its target. A target is the fitted network that
    the space was given, and its shape that of the network; the exact shape counts where a metric says so. Held-out instances (the test
    split) were placed without having
    been trained on."""
    train_T, held_H = (np.flatnonzero(table["split"] == split) for split in ("train", "test"))
    target_NM = insides(layers_of(parameters_NP, arch))
    embeddings_NE = encode(model, parameters_NP)
    seen, held = f"{len(train_T)} instances trained on", f"{len(held_H)} held-out instances"

    def decoded(embeddings_ME: Tensor) -> Tensor:
        return decode(model, embeddings_ME)

    predicted_N = ious(insides(layers_of(decoded(embeddings_NE), arch)), target_NM)
    seen_T = defined(predicted_N[train_T])
    metrics = {"predicted_iou_mean": metric(seen_T, seen), "predicted_iou_min": lowest(seen_T, seen)}
    if "fit_iou" in table:
        metrics = {"fit_iou_mean": metric(table["fit_iou"].dropna(), "all instances, against the exact shapes")} | metrics

    space = known(embeddings_NE[train_T], layers_of(parameters_NP[train_T], arch))
    held_layers = layers_of(parameters_NP[held_H], arch)
    placed_HE = place(model, arch, held_layers, embeddings_NE[held_H], space, STEPS, seed)
    placed_H = ious(insides(layers_of(decoded(placed_HE), arch)), target_NM[held_H])
    nearest_H = nearest(target_NM[held_H], target_NM[train_T])
    metrics |= {
        "heldout_encoded_iou_mean": metric(defined(predicted_N[held_H]), f"{held}, by the encoder alone"),
        "heldout_iou_mean": metric(defined(placed_H), f"{held}, {STEPS} steps of inversion"),
        "nearest_iou_mean": metric(nearest_H, f"{held}, the training instance of the highest IoU"),
        "heldout_beats_nearest_share": metric((placed_H > nearest_H).float(), held),
    }

    every_NE = embeddings_NE.clone()
    every_NE[held_H] = placed_HE
    if (chairs := chairs_of(table)) is not None:
        for name, rows, where in (("midpoint", train_T, seen), ("heldout_midpoint", held_H, held)):
            metrics |= midpoints(name, one_topology(chairs, rows, seed), chairs, decoded, every_NE, parameters_NP, arch, where)
    metrics["path_whole_share"] = whole_share(decoded, embeddings_NE, train_T, arch, seed)
    for name, rows, where in (("predicted", train_T, seen), ("heldout", held_H, held)):
        metrics |= distances(name, rows, decoded(every_NE[rows]), parameters_NP[rows], arch, where, seed)
    return metrics, predicted_N


@torch.no_grad()
def encode(model, parameters_NP: Tensor) -> Tensor:
    """Embeddings [N, E] of a zoo; so many at once that a PRep of the paper's fits the memory."""
    return torch.cat([model.encode(part) for part in parameters_NP.split(1024 if parameters_NP.shape[1] < 20_000 else 16)])


@torch.no_grad()
def decode(model, embeddings_NE: Tensor) -> Tensor:
    """Their parameters [N, P]."""
    return torch.cat([model.decode(part) for part in embeddings_NE.split(64)])


def defined(iou_N: Tensor) -> Tensor:
    """Without those of two shapes that are both empty on the grid."""
    return iou_N[~iou_N.isnan()]


def lowest(values_N: Tensor, split: str) -> dict:
    return single(float(values_N.min()), split, len(values_N))


def nearest(inside_HM: Tensor, known_TM: Tensor) -> Tensor:
    """The highest IoU [H] with any known shape."""
    both_HT = sum(h.float() @ t.float().T for h, t in zip(inside_HM.split(8192, 1), known_TM.split(8192, 1)))
    union_HT = inside_HM.sum(1)[:, None] + known_TM.sum(1) - both_HT
    return (both_HT / union_HT.clamp_min(1)).amax(1)


def one_topology(chairs: list, rows: np.ndarray, seed: int) -> list[tuple[int, int]]:
    """Up to MIDPOINT_PAIRS pairs of rows whose chairs have one topology, drawn without repetition."""
    pairs = [(int(a), int(b)) for i, a in enumerate(rows) for b in rows[i + 1 :] if topology(chairs[a]) == topology(chairs[b])]
    order = torch.randperm(len(pairs), generator=generator(seed, 61)).tolist()
    return [pairs[place] for place in order[:MIDPOINT_PAIRS]]


def midpoints(
    name: str, pairs: list, chairs: list, decoded, embeddings_NE: Tensor, parameters_NP: Tensor, arch: Architecture, where: str
) -> dict:
    """Half-way between two chairs of one topology, against the chair whose parameters are half-way: by the space, by the mean of
    the two networks' weights, as they are and aligned (Git Re-Basin's weight matching), and by the mean of their signed distances."""
    if not pairs:
        return {}
    a_N, b_N = (list(side) for side in zip(*pairs))
    points_M3 = grid()
    exact_NM = torch.stack([torch.from_numpy(sdf(interpolate(chairs[a], chairs[b], 0.5), points_M3.numpy()) < 0) for a, b in pairs])
    ours_NM = insides(layers_of(decoded((embeddings_NE[a_N] + embeddings_NE[b_N]) / 2), arch))
    starts_NP, ends_NP = parameters_NP[a_N], parameters_NP[b_N]
    weights_NM = insides(layers_of((starts_NP + ends_NP) / 2, arch))
    aligned_NM = insides(layers_of((starts_NP + aligned_all(arch, starts_NP, ends_NP)) / 2, arch))
    sums_NM = torch.stack([field(parameters_NP[a], arch) + field(parameters_NP[b], arch) < 0 for a, b in pairs])
    where = f"{where}, pairs of one topology against the parametric midpoint"
    found = {name: ours_NM, f"weight_{name}": weights_NM, f"aligned_{name}": aligned_NM, f"sdf_mean_{name}": sums_NM}
    return {f"{key}_iou_mean": metric(defined(ious(inside_NM, exact_NM)), where) for key, inside_NM in found.items()}


@torch.inference_mode()
def field(parameters_P: Tensor, arch: Architecture) -> Tensor:
    """Values [M] of one network on the grid."""
    layers = layers_of(parameters_P[None], arch)
    return torch.cat([values(layers, part)[0] for part in grid().to(parameters_P.device).split(2048)]).cpu()


def whole_share(decoded, embeddings_NE: Tensor, rows: np.ndarray, arch: Architecture, seed: int) -> dict:
    """Share of meshes on the way between random pairs whose largest component has 99 % of the volume."""
    random = generator(seed, 62)
    drawn = [rows[torch.randperm(len(rows), generator=random)[:2]] for _ in range(PATH_PAIRS)]
    pairs = list(combinations(rows, 2)) if math.comb(len(rows), 2) < PATH_PAIRS else drawn  # of few instances each pair once
    whole = []
    for a, b in pairs:
        between_GP = decoded(torch.stack([torch.lerp(embeddings_NE[a], embeddings_NE[b], gamma) for gamma in GAMMAS]))
        for parameters_P in between_GP:
            found = mesh_of(parameters_P, arch)
            volume_C = abs(component_volumes(found)) if isinstance(found, Mesh) else np.zeros(1)
            whole.append(volume_C.max() >= 0.99 * volume_C.sum() > 0)
    return metric(whole, f"{len(pairs)} pairs of instances trained on, gammas 0.1 to 0.9")


def mesh_of(parameters_P: Tensor, arch: Architecture, resolution: int = RESOLUTION):
    """The mesh of one network, or NoSurface."""
    layers = [(weight[0], bias[0]) for weight, bias in layers_of(parameters_P[None], arch)]
    return mesh(siren_field(layers), resolution, device=parameters_P.device)


def distances(name: str, rows: np.ndarray, predicted_NP: Tensor, targets_NP: Tensor, arch: Architecture, where: str, seed: int) -> dict:
    """The paper's score (share of queries within 0.01) and the Chamfer distance of the meshes, of some of the instances."""
    points_NQ3, answers_NQ = queries(layers_of(targets_NP, arch), SCORED, seed + 2)
    predicted = layers_of(predicted_NP, arch)
    with torch.inference_mode():
        score_N = [query_error(values(rows_of(predicted, [i]), points_NQ3[[i]]), answers_NQ[[i]])[0].item() for i in range(len(rows))]
    order = torch.randperm(len(rows), generator=generator(seed, 63)).tolist()[:CHAMFERS]
    meshes = [(mesh_of(predicted_NP[i], arch), mesh_of(targets_NP[i], arch)) for i in order]
    apart = [chamfer(one, other) for one, other in meshes if isinstance(one, Mesh) and isinstance(other, Mesh)]
    return {
        f"{name}_within_0.01_mean": metric(score_N, f"{where}, queries half inside and half outside"),
        f"{name}_chamfer_mean": metric(apart, where),
    }
