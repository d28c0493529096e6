"""Statistics of mixed networks (REPAIR, Jordan et al., ICLR 2023): the units of a network half-way between two others answer with too
little variance. Where there are batch norms, measuring their statistics again puts that right; a network without any (all norms are
folded in a PRep) has each layer's units shifted and rescaled to the mean and spread that the ends' have, mixed at the same gamma.

Legend: B images, C units of a layer, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...archs import Architecture
from ..stacked import flatten, unflatten

Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear  # whose output units are the rows of their weights
STILL = 1e-6  # a unit of less spread answers the same to everything: it is shifted, not rescaled

Statistics = Mapping[str, tuple[Tensor, Tensor]]  # layer -> (mean [C], standard deviation [C]) of what its units answer


@torch.no_grad()
def repaired(module: nn.Module, images_BCHW: Tensor, batch: int = 500) -> nn.Module:
    """A copy in evaluation mode whose batch norms have the statistics of these images, over all of them; the same module, copied, where
    it has no batch norm."""
    module = deepcopy(module).eval()
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an average over all batches
        norm.train()
    if norms:
        for part_BCHW in images_BCHW.split(batch):
            module(part_BCHW)
    return module.eval()


def statistics(arch: Architecture, parameters_P: Tensor, images_BCHW: Tensor) -> Statistics:
    """What the units of each hidden layer answer to images, before the activation. Layers without a bias, called several times, or last
    are left out: what they answer cannot be shifted, or is the network's answer."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    calls: list[str] = []

    def look(name: str, layer: Layer, output: Tensor) -> None:
        calls.append(name)
        found[name] = spread(output, layer)

    run(arch, parameters_P, images_BCHW, look)
    return {name: found[name] for name in calls[:-1] if calls.count(name) == 1}


def rescaled(arch: Architecture, parameters_P: Tensor, wanted: Statistics, images_BCHW: Tensor) -> Tensor:
    """The network [P] whose units have the wanted statistics on these images. One pass: a layer reads what those before it answer once
    they are put right."""

    def put_right(name: str, layer: Layer, output: Tensor) -> Tensor | None:
        if name not in wanted:
            return None
        (mean_C, std_C), (goal_C, goal_std_C) = spread(output, layer), wanted[name]
        assert layer.bias is not None, "run() asks for layers with one"
        scale_C = torch.where(std_C > STILL, goal_std_C / std_C.clamp_min(STILL), 1.0)
        layer.weight.mul_(scale_C.view(-1, *[1] * (layer.weight.ndim - 1)))
        layer.bias.copy_((layer.bias - mean_C) * scale_C + goal_C)
        mean, scale, goal = (along(each, output, layer) for each in (mean_C, scale_C, goal_C))
        return (output - mean) * scale + goal

    return flatten(run(arch, parameters_P, images_BCHW, put_right))


def mixed(a: Statistics, b: Statistics, gamma: float) -> Statistics:
    """The statistics at gamma between two networks of one architecture."""
    return {name: (torch.lerp(a[name][0], b[name][0], gamma), torch.lerp(a[name][1], b[name][1], gamma)) for name in a}


def mixture(
    arch: Architecture,
    a_P: Tensor,
    aligned_P: Tensor,
    gamma: float,
    spreads: tuple[Statistics, Statistics] | None,
    asked_BCHW: Tensor | None,
) -> Tensor:
    """Parameters [P] at gamma (0 to 1) between A's and those of B, aligned to A; where `spreads` gives what the units of both answer to the
    images `asked`, the mixture's are made to answer so. The ends are as they are."""
    parameters_P = torch.lerp(a_P, aligned_P, gamma)
    if spreads is None or gamma in (0, 1):
        return parameters_P
    assert asked_BCHW is not None, "REPAIR asks images"
    return rescaled(arch, parameters_P, mixed(*spreads, gamma), asked_BCHW)


@torch.no_grad()
def run(
    arch: Architecture, parameters_P: Tensor, images_BCHW: Tensor, on_layer: Callable[[str, Layer, Tensor], Tensor | None]
) -> nn.Module:
    """The network, after it has answered; `on_layer` sees each layer's output, and may give another one."""
    with torch.device("meta"):  # no random start, which is thrown away
        module = arch.build().eval()
    module.load_state_dict(unflatten(parameters_P.clone(), arch), assign=True)

    def hook(name: str, layer: Any, _: Any, output: Tensor) -> Tensor | None:
        return on_layer(name, layer, output)

    for name, layer in module.named_modules():
        if isinstance(layer, Layer) and layer.bias is not None:
            layer.register_forward_hook(partial(hook, name))
    module(images_BCHW)
    return module


def spread(output: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """(mean, standard deviation) of each unit, over images and places."""
    rows_CX = output.movedim(unit_axis(layer), 0).flatten(1)
    return rows_CX.mean(1), rows_CX.std(1)


def along(values_C: Tensor, output: Tensor, layer: Layer) -> Tensor:
    """A value a unit, shaped to meet a layer's output."""
    return values_C.view(*[-1 if axis == unit_axis(layer) % output.ndim else 1 for axis in range(output.ndim)])


def unit_axis(layer: Layer) -> int:
    """Which axis of a layer's output its units are."""
    return -1 if isinstance(layer, nn.Linear) else 1
