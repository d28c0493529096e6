"""ONNX's operations in ATen's: each takes (the reading, a node, its attributes) and gives the node's result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.errors import InvalidValue
from .form import Ref


def _plain(op: str) -> Callable:
    """An operation with the same arguments in both."""
    return lambda r, node, attributes: r.give(node, r.emit(op, *(r.tensor(name) for name in node.input)))


def _infix(op: str) -> Callable:
    def write(r, node, attributes) -> None:
        if all(name in r.sizes or name in r.constants for name in node.input):  # of sizes
            left, right = (r.size_of(name) for name in node.input)
            names = {"add.Tensor": "size.add", "sub.Tensor": "size.sub", "mul.Tensor": "size.mul", "div.Tensor": "size.floordiv"}
            r.sizes[node.output[0]] = [_size(r, names[op], a, b) for a, b in zip(left, right)]
            return
        args = [_number(r, name) for name in node.input]
        if not isinstance(args[0], Ref):  # a number comes first
            turned = {"add.Tensor": "add.Tensor", "mul.Tensor": "mul.Tensor", "sub.Tensor": "rsub.Scalar"}
            if op == "div.Tensor":
                return r.give(node, r.emit("mul.Tensor", r.emit("pow.Tensor_Scalar", args[1], -1.0), args[0]))
            return r.give(node, r.emit(turned[op], args[1], args[0]))
        r.give(node, r.emit(op, *args))

    return write


def _size(r, op: str, a, b):
    if isinstance(a, int) and isinstance(b, int):
        return {"size.add": a + b, "size.sub": a - b, "size.mul": a * b, "size.floordiv": a // b if b else 0}[op]
    return r.emit(op, a, b)


def _number(r, name: str):
    """A weight of one number as that number; anything else as a tensor."""
    held = r.constants.get(name)
    return float(held.reshape(-1)[0]) if held is not None and held.size == 1 else r.tensor(name)


def _pads(
    attributes: dict, given: tuple[int, ...], kernel: list[int], strides: list[int], dilations: list[int]
) -> tuple[list[int], list[int]]:
    """(before, after) of each side, `auto_pad` worked out."""
    auto, count = attributes.get("auto_pad", b"NOTSET").decode(), len(kernel)
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = [
            max(0, (-(-side // step) - 1) * step + (size - 1) * gap + 1 - side)
            for side, size, step, gap in zip(given, kernel, strides, dilations)
        ]
        less, more = [each // 2 for each in total], [each - each // 2 for each in total]
        return (less, more) if auto == "SAME_UPPER" else (more, less)
    pads = list(attributes.get("pads", [0] * 2 * count)) if auto == "NOTSET" else [0] * 2 * count
    return pads[:count], pads[count:]


def _padded(r, x: Ref, before: list[int], after: list[int], value: float | None = None) -> tuple[Ref, tuple[int, ...]]:
    """(the input, padded by itself where both ends differ; what is left for the operation to pad)."""
    if before == after and value is None:
        return x, tuple(before)
    sides = tuple(each for pair in zip(reversed(before), reversed(after)) for each in pair)
    return (r.emit("pad", x, sides, "constant", value or 0.0) if any(sides) else x), (0,) * len(before)


def conv(r, node, attributes) -> None:
    x, weight = r.tensor(node.input[0]), r.tensor(node.input[1])
    count = len(r.shape(weight)) - 2
    if count not in (1, 2):
        raise InvalidValue(f"{r.name}: convolutions of {count} dimensions are not supported.")
    strides, gaps = list(attributes.get("strides", [1] * count)), list(attributes.get("dilations", [1] * count))
    before, after = _pads(attributes, r.shape(x)[2:], list(r.shape(weight)[2:]), strides, gaps)
    x, pads = _padded(r, x, before, after)
    bias = r.tensor(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    op = "conv2d" if count == 2 else "conv1d"
    r.give(node, r.emit(op, x, weight, bias, tuple(strides), pads, tuple(gaps), int(attributes.get("group", 1))))


def conv_transpose(r, node, attributes) -> None:
    before, after = list(attributes.get("pads", [0] * 4))[:2], list(attributes.get("pads", [0] * 4))[2:]
    if before != after or attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in attributes:
        raise ValueError
    bias = r.tensor(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    options = [
        tuple(attributes.get(name, usual)) for name, usual in (("strides", (1, 1)), ("output_padding", (0, 0)), ("dilations", (1, 1)))
    ]
    args = (
        r.tensor(node.input[0]),
        r.tensor(node.input[1]),
        bias,
        options[0],
        tuple(before),
        options[1],
        int(attributes.get("group", 1)),
        options[2],
    )
    r.give(node, r.emit("conv_transpose2d.input", *args))


def gemm(r, node, attributes) -> None:
    if (
        attributes.get("transA")
        or attributes.get("alpha", 1.0) != 1
        or attributes.get("beta", 1.0) != 1
        or node.input[1] not in r.constants
    ):
        raise ValueError
    weight = r.parameter(node.input[1], r.constants[node.input[1]] if attributes.get("transB") else r.constants[node.input[1]].T)
    bias = r.parameter(node.input[2], r.constants[node.input[2]].reshape(-1)) if len(node.input) > 2 and node.input[2] else None
    r.give(node, r.emit("linear", r.tensor(node.input[0]), weight, bias))


def matmul(r, node, attributes) -> None:
    x, weight = node.input
    if weight in r.constants and r.constants[weight].ndim == 2:
        return r.give(node, r.emit("linear", r.tensor(x), r.parameter(weight, r.constants[weight].T)))
    r.give(node, r.emit("matmul", r.tensor(x), r.tensor(weight)))


def batch_norm(r, node, attributes) -> None:
    x, scale, shift, mean, var = node.input[:5]
    statistics = [r.parameter(name, r.constants[name], role=False) for name in (mean, var)]
    eps = float(attributes.get("epsilon", 1e-5))
    r.give(node, r.emit("batch_norm", r.tensor(x), r.tensor(scale), r.tensor(shift), *statistics, False, 0.1, eps, False))


def instance_norm(r, node, attributes) -> None:
    x = r.tensor(node.input[0])
    args = (r.shape(x)[1], r.tensor(node.input[1]), r.tensor(node.input[2]), float(attributes.get("epsilon", 1e-5)))
    r.give(node, r.emit("group_norm", x, *args))


def group_norm(r, node, attributes) -> None:
    args = (int(attributes["num_groups"]), r.tensor(node.input[1]), r.tensor(node.input[2]), float(attributes.get("epsilon", 1e-5)))
    r.give(node, r.emit("group_norm", r.tensor(node.input[0]), *args))


def layer_norm(r, node, attributes) -> None:
    x = r.tensor(node.input[0])
    axis = attributes.get("axis", -1)
    sizes = r.shape(x)[axis:] if axis < 0 else r.shape(x)[axis:]
    bias = r.tensor(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    r.give(node, r.emit("layer_norm", x, sizes, r.tensor(node.input[1]), bias, float(attributes.get("epsilon", 1e-5))))


def prelu(r, node, attributes) -> None:
    slope = r.constants[node.input[1]].reshape(-1)
    r.give(node, r.emit("prelu", r.tensor(node.input[0]), r.parameter(node.input[1], slope)))


def clip(r, node, attributes) -> None:
    ends = [attributes.get("min"), attributes.get("max")]
    for place, name in enumerate(node.input[1:3]):
        ends[place] = float(r.constants[name].reshape(-1)[0]) if name else None
    r.give(node, r.emit("clamp", r.tensor(node.input[0]), *ends))


def hard_sigmoid(r, node, attributes) -> None:
    x, alpha, beta = r.tensor(node.input[0]), attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return r.give(node, r.emit("hardsigmoid", x))
    r.give(node, r.emit("clamp", r.emit("add.Tensor", r.emit("mul.Tensor", x, float(alpha)), float(beta)), 0.0, 1.0))


def pool(op: str) -> Callable:
    def write(r, node, attributes) -> None:
        x, kernel = r.tensor(node.input[0]), list(attributes["kernel_shape"])
        strides, gaps = list(attributes.get("strides", [1, 1])), list(attributes.get("dilations", [1, 1]))
        before, after = _pads(attributes, r.shape(x)[2:], kernel, strides, gaps)
        largest = op == "max_pool2d"
        if before != after and not largest and not attributes.get("count_include_pad"):
            raise ValueError
        x, pads = _padded(r, x, before, after) if before == after else _padded(r, x, before, after, -1e30 if largest else 0.0)
        ceil = bool(attributes.get("ceil_mode", 0))
        last = (tuple(gaps), ceil) if largest else (ceil, bool(attributes.get("count_include_pad", 0)))
        r.give(node, r.emit(op, x, tuple(kernel), tuple(strides), pads, *last))

    return write


def global_pool(op: str) -> Callable:
    def write(r, node, attributes) -> None:
        x = r.tensor(node.input[0])
        r.give(node, r.emit(op, x, tuple(range(2, len(r.shape(x)))), True))

    return write


def reduce(op: str) -> Callable:
    def write(r, node, attributes) -> None:
        x = r.tensor(node.input[0])
        axes = attributes.get("axes") or (
            [int(each) for each in r.constants[node.input[1]]] if len(node.input) > 1 and node.input[1] else None
        )
        if not axes:
            raise ValueError
        r.give(node, r.emit(op, x, tuple(axes), bool(attributes.get("keepdims", 1))))

    return write


def activation(op: str, *names: tuple[str, float]) -> Callable:
    return lambda r, node, attributes: r.give(
        node, r.emit(op, r.tensor(node.input[0]), *(float(attributes.get(name, usual)) for name, usual in names))
    )


def softmax(op: str) -> Callable:
    return lambda r, node, attributes: r.give(node, r.emit(op, r.tensor(node.input[0]), int(attributes.get("axis", -1))))


def gelu(r, node, attributes) -> None:
    r.give(node, r.emit("gelu", r.tensor(node.input[0]), approximate=attributes.get("approximate", b"none").decode()))


# shapes


def passed(r, node, attributes) -> None:
    """What is given is the result."""
    name = node.input[0]
    for kept in (r.refs, r.constants, r.sizes):
        if name in kept:
            kept[node.output[0]] = kept[name]


def constant(r, node, attributes) -> None:
    value = next(iter(attributes.values()))
    r.constants[node.output[0]] = r.onnx.numpy_helper.to_array(value) if "value" in attributes else np.array(value)


def shape_of(r, node, attributes) -> None:
    x = r.tensor(node.input[0])
    sides: list = list(r.shape(x))
    sides[0] = r.emit("sym_size.int", x, 0)
    r.sizes[node.output[0]] = sides[attributes.get("start", 0) : attributes.get("end", len(sides))]


def reshape(r, node, attributes) -> None:
    x, sizes = r.tensor(node.input[0]), list(r.size_of(node.input[1]))
    for place, size in enumerate(sizes):
        if size == 0 and not attributes.get("allowzero"):
            sizes[place] = r.emit("sym_size.int", x, 0) if place == 0 else r.shape(x)[place]
    if r.single and sizes and sizes[0] == 1 and -1 in sizes and r.shape(x)[0] == 2:
        sizes[0] = r.emit("sym_size.int", x, 0)
    r.give(node, r.emit("reshape", x, tuple(sizes)))


def flatten(r, node, attributes) -> None:
    if attributes.get("axis", 1) != 1:
        raise ValueError
    r.give(node, r.emit("flatten.using_ints", r.tensor(node.input[0]), 1))


def transpose(r, node, attributes) -> None:
    r.give(node, r.emit("permute", r.tensor(node.input[0]), tuple(attributes["perm"])))


def _axes(r, node, attributes) -> list[int]:
    return list(attributes["axes"]) if "axes" in attributes else [int(each) for each in np.atleast_1d(r.constants[node.input[1]])]


def squeeze(r, node, attributes) -> None:
    if node.input[0] in r.sizes:
        return passed(r, node, attributes)
    r.give(node, r.emit("squeeze.dims", r.tensor(node.input[0]), tuple(_axes(r, node, attributes))))


def unsqueeze(r, node, attributes) -> None:
    if node.input[0] in r.sizes:
        return passed(r, node, attributes)
    x = r.tensor(node.input[0])
    for axis in sorted(_axes(r, node, attributes)):
        x = r.emit("unsqueeze", x, axis)
    r.give(node, x)


def concat(r, node, attributes) -> None:
    if all(name in r.sizes or name in r.constants for name in node.input):
        r.sizes[node.output[0]] = [size for name in node.input for size in r.size_of(name)]
        return
    r.give(node, r.emit("cat", tuple(r.tensor(name) for name in node.input), int(attributes["axis"])))


def gather(r, node, attributes) -> None:
    index = r.constants[node.input[1]]
    if node.input[0] in r.sizes:
        r.sizes[node.output[0]] = [r.sizes[node.input[0]][int(each)] for each in np.atleast_1d(index)]
        return
    if index.size != 1:
        raise ValueError
    found = r.emit("select.int", r.tensor(node.input[0]), int(attributes.get("axis", 0)), int(index.reshape(-1)[0]))
    r.give(node, found if index.ndim == 0 else r.emit("unsqueeze", found, int(attributes.get("axis", 0))))


def cut(r, node, attributes) -> None:
    given = [[int(each) for each in np.atleast_1d(r.constants[name])] if name else None for name in node.input[1:5]]
    starts, ends, axes, steps = (*given, *[None] * (4 - len(given)))
    starts, ends = starts or list(attributes["starts"]), ends or list(attributes["ends"])
    axes = axes or list(attributes.get("axes", range(len(starts))))
    if node.input[0] in r.sizes:
        r.sizes[node.output[0]] = r.sizes[node.input[0]][starts[0] : ends[0]]
        return
    x = r.tensor(node.input[0])
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(starts)):
        x = r.emit("slice.Tensor", x, axis, start, None if end >= 1 << 31 else end, step)
    r.give(node, x)


def split(r, node, attributes) -> None:
    x, axis = r.tensor(node.input[0]), int(attributes.get("axis", 0))
    if len(node.input) > 1 and node.input[1]:
        sizes = [int(each) for each in r.constants[node.input[1]]]
    else:
        sizes = list(attributes.get("split", [])) or [r.shape(x)[axis] // len(node.output)] * len(node.output)
    parts = r.emit("split_with_sizes", x, tuple(sizes), axis)
    for place, name in enumerate(node.output):
        r.refs[name] = r.emit("getitem", parts, place)


def expand(r, node, attributes) -> None:
    x, sizes = r.tensor(node.input[0]), r.size_of(node.input[1])
    given = (1,) * (len(sizes) - len(r.shape(x))) + r.shape(x)
    r.give(node, r.emit("expand", x, tuple(-1 if size == 1 and side != 1 else size for size, side in zip(sizes, given))))


def pad(r, node, attributes) -> None:
    sides = list(attributes["pads"]) if "pads" in attributes else [int(each) for each in r.constants[node.input[1]]]
    value = (
        float(r.constants[node.input[2]].reshape(-1)[0]) if len(node.input) > 2 and node.input[2] else float(attributes.get("value", 0.0))
    )
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}[attributes.get("mode", b"constant").decode()]
    count = len(sides) // 2
    pairs = list(zip(sides[:count], sides[count:]))
    while pairs and pairs[0] == (0, 0):
        pairs.pop(0)
    words = tuple(each for pair in reversed(pairs) for each in pair)
    r.give(
        node,
        r.emit("pad", r.tensor(node.input[0]), words, mode, value if mode == "constant" else None) if words else r.tensor(node.input[0]),
    )


def resize(r, node, attributes) -> None:
    x = r.tensor(node.input[0])
    scales = r.constants[node.input[2]] if len(node.input) > 2 and node.input[2] else None
    if attributes.get("mode", b"nearest") != b"nearest" or scales is None or scales.shape != (4,) or scales[0] != 1 or scales[1] != 1:
        raise ValueError
    r.give(node, r.emit("upsample_nearest2d.vec", x, None, tuple(float(each) for each in scales[2:])))


def reciprocal(r, node, attributes) -> None:
    r.give(node, r.emit("pow.Tensor_Scalar", r.tensor(node.input[0]), -1.0))


def power(r, node, attributes) -> None:
    r.give(node, r.emit("pow.Tensor_Scalar", r.tensor(node.input[0]), float(r.constants[node.input[1]].reshape(-1)[0])))


OPERATIONS: dict[str, Callable[[Any, Any, dict], Any]] = {
    **{word: _plain(op) for word, op in (
        ("Relu", "relu"), ("Sigmoid", "sigmoid"), ("Tanh", "tanh"), ("Sin", "sin"), ("Cos", "cos"), ("Exp", "exp"), ("Log", "log"),
        ("Abs", "abs"), ("Neg", "neg"), ("Sqrt", "sqrt"), ("Erf", "erf"), ("Selu", "selu"), ("Mish", "mish"), ("HardSwish", "hardswish"),
        ("Softplus", "softplus"), ("Max", "maximum"), ("Min", "minimum"),
    )},
    **{word: _infix(op) for word, op in (("Add", "add.Tensor"), ("Sub", "sub.Tensor"), ("Mul", "mul.Tensor"), ("Div", "div.Tensor"))},
    **{word: passed for word in ("Identity", "Dropout", "Cast")},
    **{word: reduce(op) for word, op in (("ReduceMean", "mean.dim"), ("ReduceSum", "sum.dim_IntList"), ("ReduceMax", "amax"))},
    "Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm, "MatMul": matmul, "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm, "GroupNormalization": group_norm, "LayerNormalization": layer_norm,
    "LeakyRelu": activation("leaky_relu", ("alpha", 0.01)), "Elu": activation("elu", ("alpha", 1.0)), "PRelu": prelu, "Clip": clip,
    "HardSigmoid": hard_sigmoid, "Gelu": gelu, "Softmax": softmax("softmax.int"), "LogSoftmax": softmax("log_softmax.int"),
    "MaxPool": pool("max_pool2d"), "AveragePool": pool("avg_pool2d"), "GlobalAveragePool": global_pool("mean.dim"),
    "GlobalMaxPool": global_pool("amax"), "Constant": constant, "Shape": shape_of, "Reshape": reshape, "Flatten": flatten,
    "Transpose": transpose, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Concat": concat, "Gather": gather, "Slice": cut, "Split": split,
    "Expand": expand, "Pad": pad, "Resize": resize, "Reciprocal": reciprocal, "Pow": power,
}  # fmt: skip
