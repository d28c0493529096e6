"""Placing networks in a space of shapes by inverting its decoder. Ours, beyond the paper.

It needs no labels and no ground truth: it moves the embedding until the decoded network answers as the network does.
Legend: N instances, P parameters, E embedding, Q queries of an instance, K known instances, 3 coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...archs import Architecture
from ...core.seeds import generator
from ...learn.lso import Lso, descend
from .networks import Layers, insides, ious, layers_of, queries, rows_of, values

STEPS = 30
LR = 0.02  # Adam's at first, to zero along a cosine, in units of the known embeddings' spread; chosen on validation instances
QUERIES, BATCH = 2048, 512  # of a network in all, and in a step
FINGERPRINT = 512  # points at which networks are compared to find the nearest


@dataclass(frozen=True)
class Known:
    """What a space knows: the embeddings [K, E] of the instances that it was trained on, and their answers [K, B] at fixed points."""

    embeddings_KE: Tensor
    answers_KB: Tensor
    spread: float

    def nearest(self, layers: Layers) -> Tensor:
        """Row [N] of the known instance that answers most alike."""
        return torch.cdist(fingerprint(layers), self.answers_KB).argmin(-1)


def fingerprint(layers: Layers) -> Tensor:
    """Answers [N, B] at fixed points of the cube; far from the surface they all read the same."""
    points_B3 = (torch.rand(FINGERPRINT, 3, generator=generator(51)) * 1.8 - 0.9).to(layers[0][0].device)
    rows = range(len(layers[0][0]))
    with torch.inference_mode():  # a few at a time: they fit the cache
        parts = [torch.tanh(10 * values(rows_of(layers, slice(at, at + 16)), points_B3)) for at in rows[::16]]
    return torch.cat(parts)


def known(embeddings_KE: Tensor, layers: Layers) -> Known:
    """What a space knows, of the embeddings and networks that it was trained on."""
    return Known(embeddings_KE, fingerprint(layers), float(embeddings_KE.std()))


def starts(
    model, arch: Architecture, layers: Layers, encoded_NE: Tensor | None, known: Known, points_NQ3: Tensor, answers_NQ: Tensor
) -> Tensor:
    """Where inversion begins [N, E]: at the encoder's embedding or at that of the nearest known instance, whichever answers
    more alike."""
    near_NE = known.embeddings_KE[known.nearest(layers)]
    if encoded_NE is None:
        return near_NE
    with torch.no_grad():
        errors = [
            (values(layers_of(model.decode(start_NE), arch), points_NQ3) - answers_NQ).square().mean(-1)
            for start_NE in (encoded_NE, near_NE)
        ]
    return torch.where((errors[0] <= errors[1])[:, None], encoded_NE, near_NE)


class Answering:
    """The objective of inversion: networks answer their queries as they should (eq. 2 of each). It does not validate."""

    quality = "queries"

    def __init__(self, arch: Architecture, points_NQ3: Tensor, answers_NQ: Tensor):
        self.arch, self.points_NQ3, self.answers_NQ = arch, points_NQ3, answers_NQ
        self.slices = points_NQ3.shape[1] // BATCH

    def loss(self, index: int, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        part = slice(index % self.slices * BATCH, (index % self.slices + 1) * BATCH)
        value_NB = values(layers_of(parameters_NP, self.arch), self.points_NQ3[:, part])
        loss_N = (value_NB - self.answers_NQ[:, part]).square().mean(-1)
        return loss_N, torch.full_like(loss_N, torch.nan)

    def validate(self, parameters_NP: Tensor) -> tuple[Tensor, Tensor]:
        raise AssertionError("which end is best is seen on the grid: see `best`")


def invert(model, arch: Architecture, start_NE: Tensor, points_NQ3: Tensor, answers_NQ: Tensor, steps: int, lr: float) -> Tensor:
    """Embeddings [N, E] refined by `steps` of Adam so that the decoded networks answer as `answers_NQ` says."""
    objective = Answering(arch, points_NQ3, answers_NQ)
    return descend(Lso(model.decode, start_NE, objective, steps, lr, validate_every=0, cosine=True)).embedding_NE


def place(
    model, arch: Architecture, layers: Layers, encoded_NE: Tensor | None, known: Known, steps: int = STEPS, seed: int = 0
) -> Tensor:
    """Embeddings [N, E] of networks by inversion, never worse than the encoder's own: see `best`. `encoded_NE` is None where the
    encoder cannot read them.

    Raises NoInside for a network that encloses nothing.
    """
    points_NQ3, answers_NQ = queries(layers, QUERIES, seed)
    start_NE = starts(model, arch, layers, encoded_NE, known, points_NQ3, answers_NQ)
    end_NE = invert(model, arch, start_NE, points_NQ3, answers_NQ, steps, LR * known.spread)
    return best(model, arch, layers, [end_NE, start_NE, *([] if encoded_NE is None else [encoded_NE])])


@torch.no_grad()
def best(model, arch: Architecture, layers: Layers, candidates: list[Tensor]) -> Tensor:
    """Of several embeddings of each network [N, E] that whose decoded shape has the highest IoU with the network's own; of equal
    ones the first. What inversion lowers is a squared error, which can fall while the shape gets worse."""
    own_NM = insides(layers)
    reached_CN = torch.stack([ious(insides(layers_of(model.decode(each_NE), arch)), own_NM) for each_NE in candidates])
    first_N = reached_CN.nan_to_num(0).argmax(0).to(candidates[0].device)  # NaN: both are empty on the grid
    return torch.stack(candidates)[first_N, torch.arange(len(own_NM), device=first_N.device)]
