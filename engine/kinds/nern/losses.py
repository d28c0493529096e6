"""What a NeRN is trained on (paper, eq. 2 to 6).

Legend: B images, K classes, C channels, F filters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

STABLE = 1e-4  # what the published code adds to a predicted probability before its logarithm
TINY = 1e-12  # least squared distance of feature maps: the root's slope stays finite


def total(terms: Iterable[Tensor]) -> Tensor:
    """The sum of some terms, at least one, in their order: of another order it is another in its last digit."""
    return reduce(torch.add, terms)


def reconstruction(predicted: Sequence[Tensor], original: Sequence[Tensor]) -> Tensor:
    """Eq. 3 as the published code computes it: the root of the mean squared error over all weights."""
    squares = total((p - o).square().sum() for p, o in zip(predicted, original))
    return (squares / sum(o.numel() for o in original)).sqrt()


def distillation(predicted_BK: Tensor, original_BK: Tensor) -> Tensor:
    """Eq. 5: KL(softmax(original) || softmax(predicted)), averaged over the images."""
    log_BK = (predicted_BK.softmax(-1) + STABLE).log()
    return F.kl_div(log_BK, original_BK.softmax(-1), reduction="batchmean")


def feature_maps_plain(predicted: Sequence[Tensor], original: Sequence[Tensor]) -> Tensor:
    """Eq. 4 as it is written: the distance of feature maps that are normalised per image, summed over layers, averaged over
    images. The reference of `feature_maps`."""
    terms = []
    for predicted_BCHW, original_BCHW in zip(predicted, original):
        p, o = F.normalize(predicted_BCHW.flatten(1), dim=-1), F.normalize(original_BCHW.flatten(1), dim=-1)
        terms.append(((p - o).square().sum(-1) + TINY).sqrt().mean())
    return total(terms)


class Distance(torch.autograd.Function):
    """|p / |p| - o / |o|| per image [B], without the normalised maps in memory and without a gradient for `o`.

    With d the distance and c the cosine, d^2 = 2 - 2 c, and d d / d p = (c p / |p| - o / |o|) / (d |p|).
    """

    @staticmethod
    def forward(ctx, predicted_BX: Tensor, original_BX: Tensor) -> Tensor:
        dot_B, p_B, o_B = products(predicted_BX, original_BX)
        cosine_B = dot_B / (p_B * o_B)
        distance_B = ((2 - 2 * cosine_B).clamp_min(0) + TINY).sqrt()
        near = distance_B < 0.02  # 2 - 2 c loses its digits there
        if near.any():
            rest_NX = predicted_BX[near].float() / p_B[near, None] - original_BX[near].float() / o_B[near, None]
            distance_B[near] = (rest_NX.square().sum(-1) + TINY).sqrt()
        ctx.save_for_backward(predicted_BX, original_BX, cosine_B, distance_B, p_B, o_B)
        return distance_B

    @staticmethod
    def backward(ctx, gradient_B: Tensor):
        predicted_BX, original_BX, cosine_B, distance_B, p_B, o_B = ctx.saved_tensors
        scale_B = gradient_B / (distance_B * p_B)
        factors_B2 = torch.stack((scale_B * cosine_B / p_B, -scale_B / o_B), -1)
        return combined(predicted_BX, original_BX, factors_B2), None


def products(predicted_BX: Tensor, original_BX: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """p . o, |p| and |o| of each row [B], float32."""
    if is_rounded(predicted_BX):
        from . import rounded  # numba takes half a second, which only this training waits for

        dot_B, p_B, o_B = rounded.products(predicted_BX, original_BX).unbind(-1)
        return dot_B, p_B.sqrt().clamp_min(1e-12), o_B.sqrt().clamp_min(1e-12)
    predicted_BX, original_BX = predicted_BX.float(), original_BX.float()
    p_B = torch.linalg.vector_norm(predicted_BX, dim=-1).clamp_min(1e-12)
    o_B = torch.linalg.vector_norm(original_BX, dim=-1).clamp_min(1e-12)
    return torch.linalg.vecdot(predicted_BX, original_BX), p_B, o_B


def combined(predicted_BX: Tensor, original_BX: Tensor, factors_B2: Tensor) -> Tensor:
    """Each row's p and o times its two factors, added."""
    if is_rounded(predicted_BX):
        from . import rounded

        return rounded.combined(predicted_BX, original_BX, factors_B2)
    first_B1, second_B1 = factors_B2.split(1, -1)
    found_BX = (predicted_BX.float() * first_B1).addcmul_(original_BX.float(), second_B1)
    return found_BX.to(predicted_BX.dtype)


def is_rounded(rows_BX: Tensor) -> bool:
    return rows_BX.dtype == torch.bfloat16 and rows_BX.device.type == "cpu"


def distance(predicted_BX: Tensor, original_BX: Tensor) -> Tensor:
    """See `Distance`."""
    found_B = Distance.apply(predicted_BX, original_BX)
    assert isinstance(found_B, Tensor)
    return found_B


def flat(maps_BCHW: Tensor) -> Tensor:
    """Maps as rows [B, X] in the order in which they lie in memory: no copy, and the same order for all of one layout."""
    if maps_BCHW.is_contiguous(memory_format=torch.channels_last):
        return maps_BCHW.permute(0, 2, 3, 1).flatten(1)
    return maps_BCHW.flatten(1)


def feature_maps(predicted: Sequence[Tensor], original: Sequence[Tensor]) -> Tensor:
    """Eq. 4; the gradient flows into the predicted maps only. `original` holds `flat` rows [B, X], in the order of `predicted`."""
    return total(distance(flat(maps_BCHW), rows_BX).mean() for maps_BCHW, rows_BX in zip(predicted, original, strict=True))


def smoothness(weight_FCkk: Tensor) -> Tensor:
    """Eq. 6 of one layer: the distances of each kernel to that of the next filter and to that of the next channel, summed over
    the first F - 1 filters and C - 1 channels as the paper writes. Cosine distances; of 1x1 kernels, absolute differences of
    the values divided by the layer's norm."""
    filters, channels = weight_FCkk.shape[:2]
    if filters < 2 or channels < 2:
        return weight_FCkk.sum() * 0
    kernels_FCK = weight_FCkk.flatten(2)
    if kernels_FCK.shape[-1] == 1:
        unit_FC = kernels_FCK[..., 0] / kernels_FCK.norm().clamp_min(1e-12)
        below, right = (unit_FC[1:, :-1] - unit_FC[:-1, :-1]).abs(), (unit_FC[:-1, 1:] - unit_FC[:-1, :-1]).abs()
    else:
        unit_FCK = F.normalize(kernels_FCK, dim=-1)
        below = 1 - (unit_FCK[1:, :-1] * unit_FCK[:-1, :-1]).sum(-1)
        right = 1 - (unit_FCK[:-1, 1:] * unit_FCK[:-1, :-1]).sum(-1)
    return below.sum() + right.sum()


def weight_error(predicted: Sequence[Tensor], original: Sequence[Tensor]) -> float:
    """|predicted - original| / |original| over all kernels."""
    return math.sqrt(float(sum((p - o).square().sum() for p, o in zip(predicted, original)) / sum(o.square().sum() for o in original)))


def divergence(predicted_BK: Tensor, original_BK: Tensor) -> float:
    """KL(softmax(original) || softmax(predicted)), averaged over the images: the exact one, without eq. 5's stabiliser."""
    return float(F.kl_div(predicted_BK.log_softmax(-1), original_BK.log_softmax(-1), reduction="batchmean", log_target=True))
