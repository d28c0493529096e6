"""How a network's tensors lie in memory."""

import torch
from torch import nn


def lies_well(module: nn.Module) -> bool:
    """Whether the module may run channels-last: its convolutions are of images. torch 2.13 on a CPU writes past its memory in the
    backward pass of a 1x1 convolution of 4 channels (of a group) that lie so; multiples of 8, and the few channels of an image or of
    a depthwise convolution, were never seen to."""
    convs = [part for part in module.modules() if isinstance(part, (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d))]
    return bool(convs) and all(isinstance(conv, nn.Conv2d) and _harmless(conv) for conv in convs)


def _harmless(conv: nn.Conv2d) -> bool:
    channels = conv.in_channels // conv.groups
    return channels % 8 == 0 or (channels <= 3 and conv.kernel_size[0] > 1)


def memory_format(module: nn.Module, input_shape: tuple[int, ...]) -> torch.memory_format:
    """What is fastest that is safe: channels-last from images of 32x32 on; nothing else than images [C, H, W] has channels there."""
    images = len(input_shape) == 3 and input_shape[-1] >= 32
    return torch.channels_last if images and lies_well(module) else torch.contiguous_format
