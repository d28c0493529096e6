"""The operations that a graph may hold: ATen's, by its names without ".default", and the arithmetic of sizes.

An operation is looked up here and nowhere else: a name that is not in ALLOWED runs nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch._C._functorch import maybe_current_level

from ...core.errors import InvalidValue
from ..sine import sine

LAYERS = ("conv1d", "conv2d", "conv_transpose2d.input", "linear", "batch_norm", "layer_norm", "group_norm")
ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "sigmoid",
    "tanh", "softplus", "sin", "cos", "exp", "log", "abs", "neg", "sqrt", "rsqrt", "clamp", "erf", "softmax.int", "log_softmax.int",
)  # fmt: skip
POOLS = (
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "mean.dim",
    "sum.dim_IntList",
    "amax",
)
SHAPES = (
    "view", "reshape", "flatten.using_ints", "permute", "transpose.int", "t", "mT", "unsqueeze", "squeeze.dim", "squeeze.dims",
    "unflatten.int",
    "expand", "contiguous", "clone", "pad", "slice.Tensor", "select.int", "chunk", "split.Tensor", "split_with_sizes", "cat", "stack",
    "upsample_nearest2d.vec",
)  # fmt: skip
ARITHMETIC = (
    "add.Tensor", "sub.Tensor", "rsub.Scalar", "mul.Tensor", "div.Tensor", "pow.Tensor_Scalar", "maximum", "minimum", "matmul", "bmm",
    "addmm", "baddbmm", "scaled_dot_product_attention",
)  # fmt: skip
SIZES: dict[str, Callable] = {  # of whole numbers: how large a batch is, and what is computed from that
    "sym_size.int": lambda x, dim: x.shape[dim],
    "size.add": operator.add,
    "size.sub": operator.sub,
    "size.mul": operator.mul,
    "size.floordiv": operator.floordiv,
    "getitem": lambda parts, index: parts[index],
}  # fmt: skip
ALLOWED = frozenset((*LAYERS, *ACTIVATIONS, *POOLS, *SHAPES, *ARITHMETIC, *SIZES))
MANY = {"chunk": "chunks", "split.Tensor": "split_size", "split_with_sizes": "split_sizes"}  # give several tensors: as many as this tells


def _reshape(x: Tensor, size) -> Tensor:
    return x.reshape(size)  # `view` asks how a tensor lies in memory, which channels-last changes


def _attention(*args, **kwargs) -> Tensor:
    """torch's kernel has no rule for stacked networks, warns at each call and works one by one; its written-out form has."""
    if maybe_current_level() is None:
        return torch.ops.aten.scaled_dot_product_attention(*args, **kwargs)
    return torch.ops.aten._scaled_dot_product_attention_math(*args, **kwargs)[0]


OURS: dict[str, Callable] = {
    **SIZES, "view": _reshape, "sin": lambda x: sine(x), "contiguous": lambda x, **_: x, "clone": lambda x, **_: x,
    "scaled_dot_product_attention": _attention,
}  # fmt: skip


@cache
def overload(op: str) -> torch._ops.OpOverload:
    """ATen's operation of an allowed name. Raises InvalidValue."""
    if op not in ALLOWED or op in SIZES:
        raise InvalidValue(f"{op[:60]!r} is not one of the allowed operations.")
    name, _, variant = op.partition(".")
    return getattr(getattr(torch.ops.aten, name), variant or "default")


def function(op: str) -> Callable:
    """What runs for an operation. Raises InvalidValue for one that is not allowed."""
    return OURS[op] if op in OURS else overload(op)
