"""How parameters are drawn before training, read off several draws of a module: constant, uniform or normal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from .form import PARAMETER, Graph

PEAKED = 1.9  # largest deviation in standard deviations, above which it is normal; of a uniform one that is 1.73


def starts(graph: Graph, draws: list[Mapping[str, Tensor]]) -> tuple[Graph, dict[str, Tensor]]:
    """(the graph with the start of each parameter, the values of those that are always the same). `draws`: tensors of modules that were
    built from different seeds."""
    slots, given = [], {}
    for slot in graph.slots:
        if slot.role == PARAMETER and not slot.start:
            values = [each[slot.name].detach().float() for each in draws]
            weight = draws[0].get(f"{slot.name.rpartition('.')[0]}.weight".lstrip("."))
            slot = replace(slot, start=start_of(values, usual_bound(values[0] if weight is None else weight)))
            if slot.start == ("given",):
                given[slot.name] = values[0].clone()
        slots.append(slot)
    return replace(graph, slots=tuple(slots)), given


def usual_bound(weight: Tensor) -> float:
    """Of torch's own start of a layer with this weight, its bias included: 1 / sqrt(inputs); 0 where it is no layer's."""
    return 1 / math.sqrt(max(1, weight.numel() // weight.shape[0])) if weight.dim() > 1 else 0.0


def start_of(values: list[Tensor], usual: float = 0.0) -> tuple:
    """The start of a parameter that was drawn so several times. `usual`: the bound that torch's own start would have."""
    first, pooled = values[0], torch.cat([each.flatten() for each in values]).double()
    if bool((pooled == pooled[0]).all()):
        return ("constant", float(pooled[0]))
    if len(values) > 1 and all(torch.equal(first, each) for each in values[1:]):
        return ("given",)
    count, mean, spread = len(pooled), float(pooled.mean()), float(pooled.std())
    peak = float(pooled.abs().max())
    if 0.7 * usual < peak <= usual * 1.0001 and abs(mean) < 5 * spread / math.sqrt(count):
        return ("uniform", -usual, usual)
    if abs(mean) > 5 * spread / math.sqrt(count):
        low, high = float(pooled.min()), float(pooled.max())
        return ("uniform", low, high) if (high - low) / 2 / spread < PEAKED else ("normal", mean, spread)
    bound = peak * (count + 1) / count
    return ("normal", 0.0, spread) if peak / spread > PEAKED else ("uniform", -bound, bound)
