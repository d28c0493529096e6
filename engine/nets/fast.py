"""Answers of one full-size ResNet on many images, on a CPU, as fast as it goes; the weights are arguments, so any decoded
network takes it without being compiled.

What it does to the plain forward, in the order of what it brings: activations and the residual sum are done by the
convolution that makes them (oneDNN), tensors are channels-last from the first image on, a batch is as small as the caches
like, and each core has batches of its own. The logits are those of the plain forward up to rounding. In bfloat16, where the CPU
multiplies it in hardware (AVX-512 BF16, AMX), it takes half the time and rounds coarsely: for looking, not for figures that are
kept. Other architectures, and other devices, take the plain forward.

Legend: P parameters, B images, C channels, H x W the image, K classes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ..archs import Architecture
from ..archs.resnet import ConvNorm, ResNet
from ..datasets.pixels import Pixels
from .stacked import logits_one, skeleton, unflatten

SLOPE = 0.01  # of the leaky ReLU
BATCH_PIXELS = 32 * 32 * 32  # pixels of a batch; oneDNN's arithmetic is best from 16 to 64 images of 32x32


@dataclass(frozen=True)
class Conv:
    """A folded convolution, its weight channels-last. (Packed ahead for no size in particular, oneDNN computes the wide
    layers three times slower.)"""

    weight: Tensor
    bias: Tensor
    stride: list[int]
    padding: list[int]


@cache
def hardware_dtype() -> torch.dtype:
    """bfloat16 where the CPU has instructions for its products, float32 elsewhere (there it is emulated, and slower)."""
    cpu = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if cpu and torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32


def fastest(arch: Architecture, device: torch.device | str) -> torch.dtype:
    """What `answers` computes fastest in."""
    return hardware_dtype() if has_fast_path(arch, device) else torch.float32


def has_fast_path(arch: Architecture, device: torch.device | str) -> bool:
    return isinstance(skeleton(arch.id), ResNet) and torch.device(device).type == "cpu" and torch.backends.mkldnn.is_available()


@torch.inference_mode()
def answers(parameters_P: Tensor, images_BCHW: Tensor | Pixels, arch: Architecture, dtype: torch.dtype = torch.float32) -> Tensor:
    """Predicted classes [B] int64. `dtype`: of the convolutions; `fastest` names the one that takes least time."""
    count = max(1, BATCH_PIXELS // (images_BCHW.shape[-2] * images_BCHW.shape[-1]))
    if not has_fast_path(arch, images_BCHW.device):
        return torch.cat([logits_one(parameters_P, part, arch).argmax(-1) for part in images_BCHW.split(8 * count)])
    network = prepare(parameters_P, arch, dtype)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # each worker's own: cores that share a batch wait for each other at every layer
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(lambda part: answer(network, part), images_BCHW.split(count))))
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def answer(network: tuple, images_BCHW: Tensor) -> Tensor:
    """Predicted classes [B] of a prepared network."""
    return forward(network, images_BCHW).argmax(-1)


def prepare(parameters_P: Tensor, arch: Architecture, dtype: torch.dtype) -> tuple:
    """The network's convolutions, ready to be called: a millisecond."""
    tensors = unflatten(parameters_P, arch)
    module = skeleton(arch.id)
    assert isinstance(module, ResNet), "`has_fast_path` comes first"

    def conv(name: str, part: ConvNorm) -> Conv:
        weight = tensors[f"{name}.conv.weight"].to(dtype).contiguous(memory_format=torch.channels_last)
        return Conv(weight, tensors[f"{name}.conv.bias"].to(dtype), list(part.conv.stride), [int(each) for each in part.conv.padding])

    blocks = []
    for index, block in enumerate(module.blocks):
        parts = {name: getattr(block, name) for name in ("first", "second", "shortcut")}
        blocks.append({name: part and conv(f"blocks.{index}.{name}", part) for name, part in parts.items()})
    return conv("stem", module.stem), blocks, module.pool, tensors["fc.weight"].to(dtype), tensors["fc.bias"].to(dtype)


def forward(network: tuple, images_BCHW: Tensor) -> Tensor:
    """Logits [B, K]; the arithmetic of `archs.resnet.ResNet.forward`."""
    stem, blocks, pool, weight, bias = network
    x = convolve(images_BCHW.to(weight.dtype, memory_format=torch.channels_last), stem)
    for block in blocks:
        y = convolve(x, block["first"])
        x = x if block["shortcut"] is None else convolve(x, block["shortcut"], leaky=False)
        x = add_convolved_(x, y, block["second"])
    return F.linear(F.avg_pool2d(x, pool).flatten(1), weight, bias)


def convolve(x: Tensor, conv: Conv, leaky: bool = True) -> Tensor:
    activation = ("leaky_relu", [SLOPE], "") if leaky else ("none", [], "")
    return torch.ops.mkldnn._convolution_pointwise(x, conv.weight, conv.bias, conv.padding, conv.stride, [1, 1], 1, *activation)


def add_convolved_(x: Tensor, y: Tensor, conv: Conv) -> Tensor:
    """leaky_relu(x + conv(y)), written into x."""
    torch.ops.mkldnn._convolution_pointwise_.binary(
        x, y, conv.weight, conv.bias, conv.padding, conv.stride, [1, 1], 1, "add", 1.0, None, [], None
    )
    return F.leaky_relu_(x, SLOPE)
