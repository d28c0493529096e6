"""How a network's tensors lie in memory."""

import torch
from torch import nn


def lies_well(module: nn.Module) -> bool:
    """Whether the module may run channels-last. torch 2.13 on a CPU writes past its memory in the backward pass of a 1x1 convolution
    of 4 channels that lie so; multiples of 8, and the few channels of an image, were never seen to."""
    convs = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    return all(conv.in_channels % 8 == 0 or (conv.in_channels <= 3 and conv.kernel_size[0] > 1) for conv in convs)


def memory_format(module: nn.Module, input_shape: tuple[int, ...]) -> torch.memory_format:
    """What is fastest that is safe: channels-last from images of 32x32 on."""
    return torch.channels_last if input_shape[-1] >= 32 and lies_well(module) else torch.contiguous_format
