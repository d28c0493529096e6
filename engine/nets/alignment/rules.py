"""What each operation ties: rules over ATen operations, by name. What has no rule fixes all axes that it touches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .axes import Axis, Group, Segment, fix, parts, ranges, uneven, unify, widened


@dataclass
class Value:
    """A tensor of a graph: its shape and axes; `parameter` is its name in the state dict where it is one as it lies there."""

    shape: tuple[int, ...]
    axes: list[Axis]
    parameter: str | None = None

    def __len__(self) -> int:
        return len(self.shape)


@dataclass
class Piece:
    """Rows start:stop of a parameter tensor, with its axes."""

    name: str
    start: int
    stop: int
    axes: list[Axis]


@dataclass
class Context:
    """What rules write down: pieces of parameters that are not whole tensors."""

    pieces: dict[str, list[Piece]] = field(default_factory=dict)


Rule = Callable[..., "Value | list[Value]"]
R = TypeVar("R", bound=Rule)
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[R], R]:
    def add(function: R) -> R:
        RULES.update(dict.fromkeys(names, function))
        return function

    return add


def unknown(shape: tuple[int, ...], *values: object) -> Value:
    """An operation of which nothing is known: all that it touches stays where it is."""
    for value in values:
        if isinstance(value, Value):
            for axis in value.axes:
                fix(axis)
        elif isinstance(value, (list, tuple)):
            unknown(shape, *value)
    return Value(shape, [None] * len(shape))


def all_uneven(value: Value) -> Value:
    for axis in value.axes:
        uneven(axis)
    return value


@rule("sin", "tanh", "neg", "clone", "contiguous", "dropout", "alias", "detach", "_to_copy", "to", "asin", "atan", "sinh", "erf")
def odd(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    return Value(shape, list(x.axes))


@rule(
    "relu", "relu_", "leaky_relu", "leaky_relu_", "gelu", "silu", "silu_", "elu", "softplus", "sigmoid", "hardtanh",
    "hardswish", "hardsigmoid", "relu6", "selu", "mish", "exp", "abs", "log", "sqrt", "rsqrt", "cos", "square", "pow",
    "clamp", "softmax", "log_softmax", "hardswish_", "hardtanh_", "relu6_", "elu_",
)  # fmt: skip
def elementwise(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    """Also what normalises over an axis and treats its entries alike."""
    return all_uneven(Value(shape, list(x.axes)))


def broadcast(shape, *values: Value) -> Value:
    axes: list[Axis] = []
    for place in range(-len(shape), 0):
        met = [value.axes[place] for value in values if len(value) >= -place and value.shape[place] == shape[place] and shape[place] != 1]
        axis = met[0] if met else None
        for other in met[1:]:
            axis = unify(axis, other)
        axes.append(axis)
    return Value(shape, axes)


@rule("add", "add_", "sub", "sub_")
def add(context: Context, shape, x, y, *rest, **kwargs) -> Value:
    if not isinstance(x, Value) or not isinstance(y, Value):
        return all_uneven(Value(shape, list((x if isinstance(x, Value) else y).axes)))
    return broadcast(shape, x, y)


@rule("mul", "mul_", "div", "div_")
def mul(context: Context, shape, x, y, *rest, **kwargs) -> Value:
    if not isinstance(x, Value) or not isinstance(y, Value):
        return Value(shape, list((x if isinstance(x, Value) else y).axes))
    return all_uneven(broadcast(shape, x, y))


def vector(x: Axis, *values: object) -> None:
    """One entry a channel: biases, and the parameters of norms."""
    for value in values:
        if isinstance(value, Value):
            unify(x, value.axes[0])


@rule("linear")
def linear(context: Context, shape, x: Value, weight: Value, bias: Value | None = None) -> Value:
    unify(x.axes[-1], weight.axes[1])
    vector(weight.axes[0], bias)
    return Value(shape, [*x.axes[:-1], weight.axes[0]])


@rule("addmm")
def addmm(context: Context, shape, bias: Value, x: Value, weight: Value, **kwargs) -> Value:
    return broadcast(shape, bias, matmul(context, shape, x, weight))


@rule("mm", "matmul", "bmm")
def matmul(context: Context, shape, x: Value, y: Value) -> Value:
    if len(x) < 2 or len(y) < 2:
        return unknown(shape, x, y)
    unify(x.axes[-1], y.axes[-2])
    lead = broadcast(shape[:-2], Value(x.shape[:-2], x.axes[:-2]), Value(y.shape[:-2], y.axes[:-2]))
    return Value(shape, [*lead.axes, x.axes[-2], y.axes[-1]])


@rule("conv1d", "conv2d", "conv3d")
def convolution(
    context: Context, shape, x: Value, weight: Value, bias: Value | None = None, stride=1, padding=0, dilation=1, groups: int = 1
) -> Value:
    for axis in weight.axes[2:]:
        fix(axis)
    pixels: list[Axis] = [None] * (len(shape) - 2)
    if groups == 1:
        unify(x.axes[1], weight.axes[1])
    elif groups == x.shape[1]:  # depthwise: the filters of a channel go with it
        unify(weight.axes[0], widened(x.axes[1], shape[1] // groups))
        fix(weight.axes[1])
        if shape[1] != groups:
            fix(weight.axes[0])  # which of a channel's filters comes first could be exchanged too; it is left as it is
    else:
        rows, columns = parts(weight.axes[0], groups), parts(x.axes[1], groups)
        if weight.parameter is None:
            unknown(shape, x, weight)
        else:
            fix(weight.axes[1])  # of the tensor as a whole; each group's rows have their own
            size = weight.shape[0] // groups
            context.pieces[weight.parameter] = [
                Piece(weight.parameter, i * size, (i + 1) * size, [rows[i], columns[i], *weight.axes[2:]]) for i in range(groups)
            ]
    vector(weight.axes[0], bias)
    return Value(shape, [x.axes[0], weight.axes[0], *pixels])


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed(
    context: Context, shape, x: Value, weight: Value, bias: Value | None = None, stride=1, padding=0, more=0, groups: int = 1, dilation=1
) -> Value:
    if groups != 1:
        return unknown(shape, x, weight, bias)
    for axis in weight.axes[2:]:
        fix(axis)
    unify(x.axes[1], weight.axes[0])
    vector(weight.axes[1], bias)
    return Value(shape, [x.axes[0], weight.axes[1], *[None] * (len(shape) - 2)])


@rule("batch_norm", "instance_norm")
def batch_norm(context: Context, shape, x: Value, weight=None, bias=None, mean=None, var=None, *rest) -> Value:
    vector(x.axes[1], weight, bias, mean, var)
    return all_uneven(Value(shape, list(x.axes)))


@rule("group_norm")
def group_norm(context: Context, shape, x: Value, groups: int, weight=None, bias=None, *rest) -> Value:
    if groups not in (1, x.shape[1]):
        parts(x.axes[1], groups)
    vector(x.axes[1], weight, bias)
    return all_uneven(Value(shape, list(x.axes)))


@rule("layer_norm")
def layer_norm(context: Context, shape, x: Value, normalised: Sequence[int], weight=None, bias=None, *rest) -> Value:
    for value in (weight, bias):
        for axis, own in zip(x.axes[-len(normalised) :], value.axes if isinstance(value, Value) else ()):
            unify(axis, own)
    return all_uneven(Value(shape, list(x.axes)))


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "upsample_nearest2d", "upsample_bilinear2d")
def average(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    return Value(shape, [*x.axes[:2], *[None] * (len(shape) - 2)])


@rule("max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool2d")
def strongest(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    return all_uneven(average(context, shape, x))


def reduced(shape, x: Value, dims, keep: bool) -> Value:
    dims = range(len(x)) if dims is None else [dims] if isinstance(dims, int) else dims
    gone = {dim % len(x) for dim in dims}
    for dim in gone:
        uneven(x.axes[dim])
    axes = [None if dim in gone else axis for dim, axis in enumerate(x.axes) if keep or dim not in gone]
    return Value(shape, axes)


@rule("mean", "sum", "amax", "amin")
def reduction(context: Context, shape, x: Value, dims=None, keep: bool = False, **kwargs) -> Value:
    """All channels alike are put together: their order does not matter."""
    return reduced(shape, x, dims, keep)


@rule("permute")
def permute(context: Context, shape, x: Value, order: Sequence[int]) -> Value:
    return Value(shape, [x.axes[dim] for dim in order])


@rule("transpose", "swapaxes")
def transpose(context: Context, shape, x: Value, a: int, b: int) -> Value:
    axes = list(x.axes)
    axes[a], axes[b] = axes[b], axes[a]
    return Value(shape, axes)


@rule("t", "numpy_T", "mT")
def turned(context: Context, shape, x: Value) -> Value:
    return Value(shape, x.axes[:-2] + x.axes[-1:] + x.axes[-2:-1] if len(x) > 1 else list(x.axes))


@rule("flatten", "view", "reshape", "_unsafe_view", "unflatten", "unsqueeze", "squeeze")
def reshaped(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    """Axes that are merged keep the outermost one's channels, as blocks; one that is divided stays as it is."""
    axes: list[Axis] = []
    olds, news = list(range(len(x))), list(range(len(shape)))
    while olds or news:
        before, after = take(x.shape, olds, shape, news)
        wide = [dim for dim in before if x.shape[dim] != 1]
        target = [dim for dim in after if shape[dim] != 1]
        if len(wide) == 1 == len(target):
            found: dict[int, Axis] = {target[0]: x.axes[wide[0]]}
        elif len(target) == 1 and wide and all(x.axes[dim] is None for dim in wide[1:]):
            found = {target[0]: widened(x.axes[wide[0]], math.prod(x.shape[dim] for dim in wide[1:]))}
        else:
            for dim in wide:
                fix(x.axes[dim])
            found = {}
        axes += [found.get(dim) for dim in after]
    return Value(shape, axes)


def take(old, olds: list[int], new, news: list[int]) -> tuple[list[int], list[int]]:
    """The next axes of both shapes whose products are equal."""
    before, after = [olds.pop(0)] if olds else [], [news.pop(0)] if news else []
    left, right = math.prod(old[dim] for dim in before), math.prod(new[dim] for dim in after)
    while left != right:
        if left < right:
            before.append(olds.pop(0))
            left *= old[before[-1]]
        else:
            after.append(news.pop(0))
            right *= new[after[-1]]
    while not olds and news:
        after.append(news.pop(0))
    while not news and olds:
        before.append(olds.pop(0))
    return before, after


@rule("expand")
def expand(context: Context, shape, x: Value, *rest, **kwargs) -> Value:
    return broadcast(shape, x)


@rule("slice")
def cut(context: Context, shape, x: Value, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Value:
    axes, size = list(x.axes), x.shape[dim]
    first, last, step = slice(start, end, step).indices(size)
    if axes[dim] is not None and (first, last) != (0, size):
        axes[dim] = ranges(axes[dim], [length for length in (first, last - first, size - last) if length])[1 if first else 0]
    if axes[dim] is not None and step != 1:
        fix(axes[dim])
        axes[dim] = None
    return Value(shape, axes)


@rule("select")
def select(context: Context, shape, x: Value, dim: int, index: int) -> Value:
    fix(x.axes[dim])
    return Value(shape, [axis for place, axis in enumerate(x.axes) if place != dim % len(x)])


@rule("pad", "constant_pad_nd")
def pad(context: Context, shape, x: Value, widths: Sequence[int], *mode, **kwargs) -> Value:
    """Zeros beside channels may be exchanged with each other, as far as what they meet allows."""
    axes = list(x.axes)
    plain = all(each in ("constant", 0, None) for each in (*mode, kwargs.get("value")))
    for place, (before, after) in enumerate(zip(widths[::2], widths[1::2]), start=1):
        axis = axes[-place]
        if axis is None or not (before or after):
            continue
        if not plain or before < 0 or after < 0:
            fix(axis)
            axes[-place] = None
        else:
            axes[-place] = (*((Segment(Group(before)),) if before else ()), *axis, *((Segment(Group(after)),) if after else ()))
    return Value(shape, axes)


@rule("cat")
def cat(context: Context, shape, values: Sequence[Value], dim: int = 0) -> Value:
    dim %= len(shape)
    axes = [broadcast((size,), *(Value((value.shape[place],), [value.axes[place]]) for value in values)).axes[0] if place != dim else None
            for place, size in enumerate(shape)]  # fmt: skip
    if any(value.axes[dim] is not None for value in values):
        axes[dim] = tuple(
            segment for value in values for segment in value.axes[dim] or (Segment(Group(value.shape[dim], fixed=True, odd=False)),)
        )
    return Value(shape, axes)


@rule("chunk", "split", "split_with_sizes")
def chunks(context: Context, shape, x: Value, sizes, dim: int = 0, **kwargs) -> list[Value]:
    """`shape` holds those of the parts."""
    pieces = ranges(x.axes[dim], [part[dim] for part in shape])
    return [
        Value(part, [piece if place == dim % len(x) else axis for place, axis in enumerate(x.axes)]) for part, piece in zip(shape, pieces)
    ]


@rule("getitem")
def getitem(context: Context, shape, values, index) -> Value:
    return values[index] if isinstance(values, list) else unknown(shape, values)


@rule("scaled_dot_product_attention")
def attention(context: Context, shape, q: Value, k: Value, v: Value, *rest, **kwargs) -> Value:
    uneven(unify(q.axes[-1], k.axes[-1]))
    for value in (q, k, v):
        fix(value.axes[-2])
        for axis in value.axes[:-2]:
            fix(axis)
    return Value(shape, [*[None] * (len(shape) - 1), v.axes[-1]])
