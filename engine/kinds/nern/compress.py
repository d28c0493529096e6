"""Meta-compression (paper, 5 and fig. 5 left): magnitude pruning and quantisation of a predictor.

Legend: P parameters.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from ...core.errors import InvalidValue
from .predictor import Predictor, Predictors

BITS = (32, 16, 8, 6, 4)
PRUNE_MAX = 0.95


@torch.no_grad()
def compressed(predictor: Predictor | Predictors, prune: float = 0.0, bits: int = 32) -> Predictor | Predictors:
    """A copy whose `prune` share of weights of smallest magnitude, over all layers, is zero, and whose weights are then rounded
    to `bits`: 16 is IEEE half precision; below, the integers of a symmetric scale for each output of each layer (the largest
    magnitude is the largest integer). Biases keep their values: they are few. Raises InvalidValue."""
    check(prune, bits)
    result = copy.deepcopy(predictor)
    weights = [layer.weight for layer in linear_layers(result)]
    if prune:
        magnitudes_P = torch.cat([weight.abs().flatten() for weight in weights])
        zeros = round(prune * len(magnitudes_P))
        if zeros:
            gone_P = torch.zeros_like(magnitudes_P, dtype=torch.bool)
            gone_P[magnitudes_P.argsort(stable=True)[:zeros]] = True
            for weight, gone in zip(weights, gone_P.split([weight.numel() for weight in weights])):
                weight[gone.view_as(weight)] = 0
    for weight in weights:
        if bits == 16:
            weight.copy_(weight.half())
        elif bits < 16:
            top = 2 ** (bits - 1) - 1
            scale = weight.abs().amax(1, keepdim=True).clamp_min(1e-12) / top
            weight.copy_((weight / scale).round() * scale)
    return result


def check(prune: object, bits: object) -> None:
    if isinstance(prune, bool) or not isinstance(prune, int | float) or not 0 <= prune <= PRUNE_MAX:
        raise InvalidValue(f"prune must be the share of the predictor's weights to drop, from 0 to {PRUNE_MAX}; got {str(prune)[:40]!r}.")
    if isinstance(bits, bool) or bits not in BITS:
        raise InvalidValue(f"bits must be one of {', '.join(map(str, BITS))}; got {str(bits)[:40]!r}.")


def linear_layers(predictor: Predictor | Predictors) -> list[nn.Linear]:
    return [layer for part in predictor.parts for layer in part.linears]


def stored_bytes(predictor: Predictor | Predictors, prune: float, bits: int) -> float:
    """Bytes of a predictor so compressed: kept weights at `bits` each; where any are pruned a bit for each weight that says which;
    a float32 scale for each output below 16 bits; biases in float32."""
    weights = sum(layer.weight.numel() for layer in linear_layers(predictor))
    outputs = sum(layer.out_features for layer in linear_layers(predictor))
    kept = weights - round(prune * weights)
    return (kept * bits + (weights if prune else 0) + (32 * outputs if bits < 16 else 0) + 32 * outputs) / 8
