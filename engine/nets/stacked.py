"""Many instances of one architecture at once: torch.func over stacked flat parameters.

Legend: N instances, P parameters, B images, C channels, K classes.
"""

from __future__ import annotations

import threading
from functools import cache

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ..archs import Architecture, architecture
from ..archs.memory import memory_format
from ..datasets.pixels import Pixels


def skeleton(arch_id: str, batch_norm: bool = False) -> nn.Module:
    """The module without weights (on the meta device) through which parameters are called. Each thread has its own:
    functional_call puts the parameters into the module for as long as the call lasts."""
    return _skeleton(arch_id, architecture(arch_id).version, batch_norm, threading.get_ident())


@cache
def _skeleton(arch_id: str, version: str, batch_norm: bool, thread: int) -> nn.Module:
    with torch.device("meta"):
        return architecture(arch_id).build(batch_norm)


def unflatten(parameters_P: Tensor, arch: Architecture) -> dict[str, Tensor]:
    """Flat parameters [P] (or [N, P]) -> {name: tensor of its shape}, as views."""
    lead = parameters_P.shape[:-1]
    return {entry.name: parameters_P[..., entry.start : entry.stop].reshape(*lead, *entry.shape) for entry in arch.layout}


def flatten(module: nn.Module) -> Tensor:
    """All parameters of a module in PRep order [P], detached."""
    return torch.cat([tensor.detach().flatten() for tensor in module.parameters()])


def stacking_pays(arch: Architecture, device: torch.device) -> bool:
    """Whether instances are faster together than one after the other: on a CPU, images of 32x32 fill a core by themselves, and
    a batched convolution is slower than the loop, channels last."""
    return torch.device(device).type != "cpu" or arch.input_shape[-1] < 32


def logits_one(parameters_P: Tensor, images_BCHW: Tensor, arch: Architecture) -> Tensor:
    """Logits [B, K] of one instance."""
    module = skeleton(arch.id)
    images_BCHW = images_BCHW.contiguous(memory_format=memory_format(module, arch.input_shape))
    return functional_call(module, unflatten(parameters_P, arch), (images_BCHW,))


def logits(parameters_NP: Tensor, images_BCHW: Tensor | Pixels, arch: Architecture, chunk: int | None = None) -> Tensor:
    """Logits [N, B, K] of N instances on the same images; differentiable. `chunk` instances at a time bound the memory."""
    if isinstance(images_BCHW, Pixels):
        return torch.cat([logits(parameters_NP, part, arch, chunk) for part in images_BCHW.split()], 1)
    if not stacking_pays(arch, images_BCHW.device):
        return torch.stack([logits_one(parameters_P, images_BCHW, arch) for parameters_P in parameters_NP])
    if len(parameters_NP) == 1:
        return logits_one(parameters_NP[0], images_BCHW, arch)[None]
    _ = skeleton(arch.id), arch.layout  # made (once) outside of vmap, which forbids random starts
    return vmap(lambda parameters_P: logits_one(parameters_P, images_BCHW, arch), chunk_size=chunk)(parameters_NP)
