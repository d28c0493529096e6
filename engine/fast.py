"""Many answers of one network of ordinary size, fast on a CPU: channels last, batches that stay in the cache, a core each.

Oversized batches leave the cache between layers, and one batch cut over all cores waits at every layer; so each core takes
small batches of its own. Weights are inputs: nothing is compiled for a network. Legend: P parameters, B images.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.func import functional_call

from .archs import Architecture
from .stacked import skeleton, unflatten

BATCH = 32


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def answers(parameters_P: Tensor, images_BCHW: Tensor, arch: Architecture, workers: int | None = None) -> Tensor:
    """Predicted classes int64 [B] of one network on the CPU; the same as the plain forward's up to rounding."""
    tensors = {name: last(tensor) for name, tensor in unflatten(parameters_P, arch).items()}
    workers = workers or cores()
    threads = torch.get_num_threads()

    @torch.inference_mode()
    def answer(part_BCHW: Tensor) -> Tensor:
        return functional_call(skeleton(arch.id), tensors, (last(part_BCHW),)).argmax(-1)

    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(answer, images_BCHW.split(BATCH))))
    finally:
        torch.set_num_threads(threads)


def last(tensor: Tensor) -> Tensor:
    """Channels last where there are channels."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
