"""Stacked answers of networks that are given by graphs, against those of the modules that the graphs were taken from.

Legend: N instances, P parameters, B inputs, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ..archs import architecture
from ..archs.graph.capture import capture
from ..archs.graph.module import GraphNet
from ..nets.stacked import flatten, skeleton, unflatten
from . import row
from .measure import processor_medians, tune

SIZES = {"lenetlike-digits": ("lenetlike", 32, 256), "resnet8-digits": ("resnet8", 16, 64), "siren-small": ("siren", 32, 512)}  # row, N, B
REPEATS = 60


def answers() -> list[dict]:
    """Processor milliseconds of the vmapped answers of some instances through the graph of their architecture; the reference is the same
    through its module. On one thread; the bar is a ratio of 1 / 1.1."""
    tune()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [measured(arch_id, *sizes) for arch_id, sizes in SIZES.items()]
    finally:
        torch.set_num_threads(threads)


@torch.no_grad()
def measured(arch_id: str, name: str, instances: int, inputs: int, repeats: int = REPEATS) -> dict:
    arch, random = architecture(arch_id), torch.Generator().manual_seed(0)
    found = capture(arch.build, arch.input_shape)
    with torch.device("meta"):
        net = GraphNet(found.graph, found.constants)
    torch.manual_seed(0)
    parameters_NP = torch.stack([flatten(arch.build()) for _ in range(instances)])
    x_B = torch.randn(inputs, *arch.input_shape, generator=random)
    module, _ = skeleton(arch.id), arch.layout  # made outside of vmap, which forbids random starts

    def stacked(through: nn.Module) -> Tensor:
        return vmap(lambda parameters_P: functional_call(through, unflatten(parameters_P, arch), (x_B,)))(parameters_NP)

    assert torch.allclose(stacked(net), stacked(module), atol=1e-5), f"{arch_id}: graph and module differ"
    ours, theirs = processor_medians(lambda: stacked(net), lambda: stacked(module), repeats)
    return row(f"graph_answers_{name}", 1000 * ours, "ms", 1000 * theirs)
