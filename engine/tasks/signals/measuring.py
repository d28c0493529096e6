"""How good a space of signals is: measured from the weights, as PSNR in dB on the pixels.

Legend: N instances, P parameters, E embedding, B pixels, T training rows, H held-out rows, G places of a path.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...archs import Architecture
from ...core.metrics import mean
from ...core.seeds import generator
from ...learn.lso import Lso, descend
from ...nets.alignment import aligned
from ..zoo import Zoo
from .images import Pictures
from .lso import Painting
from .networks import pictures, psnr
from .placing import LR, STEPS, known, place
from .zoo import images_of

PAIRS, PLACES = 64, 21  # paths that are measured, and networks on each


@torch.no_grad()
def encode(model, parameters_NP: Tensor) -> Tensor:
    """Embeddings [N, E] of a zoo."""
    return torch.cat([model.encode(part) for part in parameters_NP.split(1024)])


@torch.no_grad()
def decode(model, embeddings_NE: Tensor) -> Tensor:
    """Their parameters [N, P]."""
    return torch.cat([model.decode(part) for part in embeddings_NE.split(256)])


def evaluate_signals(model, zoo: Zoo, data: Pictures, seed: int = 0) -> dict:
    """All metrics of a space of signals. A target is the fitted network that the space was given; the image itself counts where a metric
    says so. Held-out instances (the test split) were placed without having been trained on."""
    train_T, held_H = (np.flatnonzero(zoo.table["split"] == split) for split in ("train", "test"))
    seen, held = f"{len(train_T)} instances trained on", f"{len(held_H)} held-out instances"

    def images(parameters_NP: Tensor) -> Tensor:
        return pictures(parameters_NP, zoo.arch, *data.shape).flatten(1)

    target_NB, embeddings_NE, exact_NB = images(zoo.parameters_NP), encode(model, zoo.parameters_NP), images_of(zoo, data)
    predicted_NB = images(decode(model, embeddings_NE))
    predicted_N = psnr(predicted_NB, target_NB)
    space = known(embeddings_NE[train_T], zoo.parameters_NP[train_T], zoo.arch, data.shape)
    placed_HE = place(model, zoo.arch, target_NB[held_H], embeddings_NE[held_H], space)
    placed_HB = images(decode(model, placed_HE))
    placed_H, nearest_H = psnr(placed_HB, target_NB[held_H]), psnr(space.images_KB[space.nearest(target_NB[held_H])], target_NB[held_H])
    optimised_HE = optimise(model, zoo.arch, space, exact_NB[held_H], seed)
    to_images = {
        "fit_psnr_mean": mean(psnr(target_NB, exact_NB), "all instances, dB to their images"),
        "heldout_encoded_image_psnr_mean": mean(psnr(predicted_NB, exact_NB)[held_H], f"{held}, by the encoder alone, dB to the images"),
        "heldout_image_psnr_mean": mean(psnr(placed_HB, exact_NB[held_H]), f"{held}, {STEPS} steps of inversion, dB to the images"),
    }
    return {
        **({} if zoo.pixels else to_images),
        "predicted_psnr_mean": mean(predicted_N[train_T], f"{seen}, dB to the target networks"),
        "heldout_encoded_psnr_mean": mean(predicted_N[held_H], f"{held}, by the encoder alone, dB to the target networks"),
        "heldout_psnr_mean": mean(placed_H, f"{held}, {STEPS} steps of inversion, dB to the target networks"),
        "nearest_psnr_mean": mean(nearest_H, f"{held}, the training instance that is nearest, dB to the target networks"),
        "heldout_beats_nearest_share": mean((placed_H > nearest_H).float(), held),
        "lso_image_psnr_mean": mean(
            psnr(images(decode(model, optimised_HE)), exact_NB[held_H]),
            f"{STEPS} steps of optimisation towards each of {len(held_H)} held-out images from one trained on, dB to the images",
        ),
        **path_metrics(model, zoo, embeddings_NE, train_T, images, exact_NB[train_T], seed),
    }


def optimise(model, arch: Architecture, space, images_NB: Tensor, seed: int) -> Tensor:
    """Embeddings [N, E] after an LSO towards each image, each from an instance that the space was trained on, drawn."""
    rows_N = torch.randint(len(space.embeddings_KE), (len(images_NB),), generator=generator(seed, 64))
    objective = Painting(arch, space.pixels_B2, images_NB)
    return descend(Lso(model.decode, space.embeddings_KE[rows_N], objective, STEPS, LR * space.spread, cosine=True)).best_NE


def path_metrics(model, zoo: Zoo, embeddings_NE: Tensor, rows: np.ndarray, images, exact_TB: Tensor, seed: int) -> dict:
    """What lies on the way between pairs of instances trained on: by the space, by mixing the two networks' weights, as they are and
    aligned (Git Re-Basin's weight matching), and by mixing the two images' pixels.

    The floor is how like an image the least alike is: the PSNR to the nearest of the images trained on, at its lowest on the way, ends left
    out. The largest step is that between neighbouring places, in root mean squares, as a share of the sum of all: 0.05 if all are equal.
    """
    random = generator(seed, 62)
    drawn = [rows[torch.randperm(len(rows), generator=random)[:2].numpy()] for _ in range(PAIRS)]
    gammas_G1 = torch.linspace(0, 1, PLACES)[:, None].to(embeddings_NE.device)
    floors: dict[str, list[float]] = {"path": [], "weight_path": [], "aligned_path": [], "pixel_path": []}
    steps: dict[str, list[float]] = {name: [] for name in floors}
    for a, b in drawn:
        a_P, b_P = zoo.parameters_NP[[a, b]]
        ends_2B = images(torch.stack([a_P, b_P]))
        found = {
            "path": images(decode(model, torch.lerp(embeddings_NE[a], embeddings_NE[b], gammas_G1))),
            "weight_path": images(torch.lerp(a_P, b_P, gammas_G1)),
            "aligned_path": images(torch.lerp(a_P, aligned(zoo.arch, a_P, b_P), gammas_G1)),
            "pixel_path": torch.lerp(ends_2B[0], ends_2B[1], gammas_G1),
        }
        for name, way_GB in found.items():
            nearest_G = exact_TB[torch.cdist(way_GB, exact_TB).argmin(-1)]
            floors[name].append(float(psnr(way_GB, nearest_G)[1:-1].min()))
            apart_G = (way_GB[1:] - way_GB[:-1]).square().mean(-1).sqrt()
            steps[name].append(float(apart_G.max() / apart_G.sum()))
    where = f"{PAIRS} pairs of instances trained on, {PLACES} places each"
    return {
        **{f"{name}_floor_psnr_mean": mean(each, f"{where}: the lowest, dB to an image trained on") for name, each in floors.items()},
        **{f"{name}_largest_step_mean": mean(each, f"{where}: share of the whole way") for name, each in steps.items()},
    }


def predicted_psnrs(model, zoo: Zoo, shape: tuple[int, int], embeddings_NE: Tensor) -> np.ndarray:
    """PSNR [N] of each predicted network to its target."""
    made, target = (pictures(each, zoo.arch, *shape).flatten(1) for each in (decode(model, embeddings_NE), zoo.parameters_NP))
    return psnr(made, target).cpu().numpy()
