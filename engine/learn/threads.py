"""How many cores a training runs on: one rule, for the training itself and for the estimate of what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..archs import Architecture

FEW, SIDE = 20_000, 32  # parameters; pixels


def is_small(arch: Architecture) -> bool:
    """Whether a second core gains a network little, and nothing at all when it is busy: one of few parameters, or of small images."""
    return arch.parameters < FEW or len(arch.input_shape) == 3 and arch.input_shape[-1] < SIDE


@contextmanager
def threads_for(arch: Architecture) -> Iterator[None]:
    """Inside, torch has the threads that a training of that architecture (the largest one in it) runs on; after it, what it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if is_small(arch) else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
