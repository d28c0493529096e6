"""How good a NeRN is, measured from the weights on a named split.

Legend: B images, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ...core.metrics import single
from ...datasets import Images
from ...datasets.pixels import Pixels
from .losses import TINY, divergence, smoothness, weight_error
from .nern import Nern, sizes
from .original import logits, noise

NOISE = 512  # inputs, where no data set is named
TOP5_CLASSES = 100  # from which on the accuracy of the best five is measured, too


def evaluate(nern: Nern, images: Images | None, split: str = "test") -> dict:
    """Metrics of the manifest: accuracies of original and reconstructed network, `agreement` (same answer), `logit_divergence` (KL
    from the original's answers), `weight_error` (relative, all kernels), sizes in bytes and `size_ratio`. Of an original that names no
    data set answers are compared on uniform noise, and `answer_error` is how far they lie apart, relative to the original's."""
    original, weights = nern.original, nern.weights()
    bytes_of = sizes(nern.config, original)
    kernels = original.kernels
    metrics = {}
    if images is None and original.dataset is None and original.architecture:
        ours_BK, theirs_BK = answers(nern, weights, noise(original.architecture, NOISE, 47))
        values = {
            "agreement": share(ours_BK.argmax(-1) == theirs_BK.argmax(-1)),
            "logit_divergence": divergence(ours_BK, theirs_BK),
            "answer_error": float((ours_BK - theirs_BK).norm() / theirs_BK.norm().clamp_min(TINY)),
        }
        metrics |= {name: single(value, "noise", NOISE) for name, value in values.items()}
    if images is not None:
        labels_B = images.labels[split]
        ours_BK, theirs_BK = answers(nern, weights, images.images[split])
        ours_B, theirs_B = ours_BK.argmax(-1), theirs_BK.argmax(-1)
        values = {
            "original_accuracy": share(theirs_B == labels_B),
            "reconstructed_accuracy": share(ours_B == labels_B),
            "agreement": share(ours_B == theirs_B),
            "logit_divergence": divergence(ours_BK, theirs_BK),
        }
        if ours_BK.shape[-1] >= TOP5_CLASSES:
            values |= {"original_top5": top5(theirs_BK, labels_B), "reconstructed_top5": top5(ours_BK, labels_B)}
        metrics |= {name: single(value, f"{split} images", len(labels_B)) for name, value in values.items()}
    metrics["weight_error"] = single(weight_error(weights, original.weights), "all kernels", kernels)
    for name, value in (
        ("size_ratio", bytes_of["ratio"]),
        *((f"{name}_bytes", bytes_of[name]) for name in ("learnable", "predictor", "permutation")),
    ):
        metrics[name] = single(value, "all kernels", kernels)
    return metrics


def answers(nern: Nern, weights: Sequence[Tensor], inputs_B: Tensor | Pixels) -> tuple[Tensor, Tensor]:
    """Answers [B, K] of the network with those kernels, and of the original."""
    network = nern.original.network
    inputs_B = inputs_B.to(weights[0].device) if isinstance(inputs_B, Tensor) else inputs_B
    return logits(network, weights, inputs_B), logits(network, nern.original.weights, inputs_B)


def top5(logits_BK: Tensor, labels_B: Tensor) -> float:
    """Share of images, 0..1, whose class is among the five that a network ranks first."""
    return share((logits_BK.topk(5).indices == labels_B[:, None]).any(-1))


def share(right_B: Tensor) -> float:
    return float(right_B.double().mean())


def smoothness_of(weights: Sequence[Tensor], orders: Mapping[str, Sequence[np.ndarray]]) -> list[dict[str, float]]:
    """Eq. 6 of each layer in each order of its kernels, by the kind of order: that of `orders`, which holds one of each layer."""
    return [
        {kind: float(smoothness(reordered(weight, layers[at]))) for kind, layers in orders.items()} for at, weight in enumerate(weights)
    ]


def reordered(weight_FCkk: Tensor, order_M) -> Tensor:
    """A layer with kernel `order_M[m]` at place m."""
    order = torch.from_numpy(order_M).to(weight_FCkk.device)
    return weight_FCkk.flatten(0, 1)[order].view_as(weight_FCkk)
