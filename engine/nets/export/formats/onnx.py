"""A network as an ONNX file, written from its graph: opset 20, batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from ....archs.graph.form import INPUT, Argument, Node, Ref
from ....archs.graph.shapes import check
from ....core.errors import InvalidValue
from ..outgoing import Outgoing

SUFFIX = ".onnx"
WORDS = "An ONNX model, for any runtime"
OPSET, IR = 20, 10
SAME = {
    "relu": "Relu", "selu": "Selu", "mish": "Mish", "hardswish": "HardSwish", "sigmoid": "Sigmoid", "tanh": "Tanh", "sin": "Sin",
    "cos": "Cos", "exp": "Exp", "log": "Log", "abs": "Abs", "neg": "Neg", "sqrt": "Sqrt", "erf": "Erf", "maximum": "Max", "minimum": "Min",
    "matmul": "MatMul", "bmm": "MatMul", "contiguous": "Identity", "clone": "Identity",
}  # fmt: skip
INFIX = {"add.Tensor": "Add", "sub.Tensor": "Sub", "mul.Tensor": "Mul", "div.Tensor": "Div", "pow.Tensor_Scalar": "Pow"}
RESHAPED = ("view", "reshape", "flatten.using_ints", "unflatten.int", "unsqueeze", "squeeze.dim", "squeeze.dims")
REDUCED = {"mean.dim": "ReduceMean", "sum.dim_IntList": "ReduceSum", "amax": "ReduceMax"}


def library() -> Any:
    """The onnx package. Raises InvalidValue where it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise InvalidValue("ONNX files need the package onnx: pip install onnx==1.23.2.") from error
    return onnx


def files(net: Outgoing) -> dict[str, bytes]:
    return {"model.onnx": Writer(net).model().SerializeToString()}


class Writer:
    """Writes one network. Shapes are read off a batch of two and one of three: where they differ, the batch is in them."""

    def __init__(self, net: Outgoing):
        self.onnx, self.net, self.graph = library(), net, net.graph
        self.two, self.three = check(self.graph, 2), check(self.graph, 3)
        self.nodes: list = []
        self.tensors: dict[str, np.ndarray] = {name: tensor.numpy() for name, tensor in net.all_tensors.items()}
        self.count = 0

    def model(self):
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        for node in self.graph.nodes:
            self.write(node)
        shape = self.two[self.graph.output]
        assert isinstance(shape, Tensor)
        used = {name for node in self.nodes for name in node.input}
        graph = helper.make_graph(
            self.nodes,
            self.net.arch.id,
            [helper.make_tensor_value_info(INPUT, kind, ["B", *self.graph.input_shape])],
            [helper.make_tensor_value_info(self.graph.output, kind, ["B", *shape.shape[1:]])],
            [self.onnx.numpy_helper.from_array(np.array(array, order="C"), name) for name, array in self.tensors.items() if name in used],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="network-space-explorer"
        )
        helper.set_model_props(model, self.net.metadata)
        self.onnx.checker.check_model(model)
        return model

    def emit(self, op: str, inputs: list[str], output: str = "", **attributes) -> str:
        self.count += 1
        output = output or f"{op.lower()}_{self.count}_"
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, value) -> str:
        """An initialiser: whole numbers in a list are int64, a number is a float32 scalar."""
        self.count += 1
        name = f"constant_{self.count}_"
        self.tensors[name] = np.array(value, np.int64 if isinstance(value, (list, tuple)) else np.float32)
        return name

    def of(self, value: Argument) -> str:
        """The name of what an argument reads, "" of what is left out."""
        if isinstance(value, Ref):
            return value.name
        return "" if value is None else self.constant(value)

    def shape(self, value: Argument) -> tuple[int, ...]:
        """Of a batch of two."""
        assert isinstance(value, Ref)
        if value.tensor:
            return tuple(self.graph.slot[value.name].shape)
        held = self.two[value.name]
        assert isinstance(held, Tensor)
        return tuple(held.shape)

    def free(self, node: Node) -> list[int]:
        """The sizes of a result, -1 where the batch is in them. Raises InvalidValue where that is so twice."""
        two, three = self.two[node.name], self.three[node.name]
        assert isinstance(two, Tensor) and isinstance(three, Tensor)
        sizes = [a if a == b else -1 for a, b in zip(two.shape, three.shape)]
        if sizes.count(-1) > 1:
            raise self.cannot(node)
        return sizes

    def cannot(self, node: Node) -> InvalidValue:
        return InvalidValue(f"{node.op} at {node.name} cannot be written as ONNX as it is used here. Export as a folder or pt2.")

    def number(self, node: Node, value: Argument) -> float:
        """A number that is written down. Raises InvalidValue where the network computes it."""
        if not isinstance(value, (int, float)):
            raise self.cannot(node)
        return float(value)

    def write(self, node: Node) -> None:
        args = list(node.args) + [None] * (10 - len(node.args))
        if node.op == "sym_size.int" or node.op.startswith("size."):
            return  # sizes are worked out here
        if node.op == "getitem":
            return  # the parts have their names
        if node.op in SAME:
            self.emit(SAME[node.op], [self.of(each) for each in node.args], node.name)
        elif node.op in INFIX:
            self.infix(node, args)
        elif node.op in RESHAPED:
            self.emit("Reshape", [self.of(args[0]), self.constant(self.free(node))], node.name)
        elif node.op in REDUCED:
            dims = args[1] if isinstance(args[1], tuple) else (args[1],) if args[1] is not None else tuple(range(len(self.shape(args[0]))))
            self.emit(REDUCED[node.op], [self.of(args[0]), self.constant(list(dims))], node.name, keepdims=int(bool(args[2])))
        else:
            writer: Callable | None = getattr(self, f"write_{node.op.partition('.')[0]}", None)
            if writer is None:
                raise self.cannot(node)
            writer(node, args)

    def infix(self, node: Node, args: list) -> None:
        left, right = self.of(args[0]), self.of(args[1])
        alpha = node.kwargs.get("alpha", 1)
        if alpha != 1:
            right = self.emit("Mul", [right, self.of(alpha)])
        self.emit(INFIX[node.op], [left, right], node.name)

    # layers

    def _spatial(self, value, dims: int) -> list[int]:
        return list(value * dims if len(value) == 1 else value) if isinstance(value, tuple) else [value] * dims

    def write_conv2d(self, node: Node, args: list) -> None:
        dims = len(self.shape(args[1])) - 2
        pads = self._spatial(args[4] or 0, dims)
        self.emit(
            "Conv", [self.of(each) for each in args[:3] if each is not None], node.name,
            strides=self._spatial(args[3] or 1, dims), pads=pads * 2, dilations=self._spatial(args[5] or 1, dims), group=args[6] or 1,
        )  # fmt: skip

    write_conv1d = write_conv2d

    def write_conv_transpose2d(self, node: Node, args: list) -> None:
        self.emit(
            "ConvTranspose", [self.of(each) for each in args[:3] if each is not None], node.name,
            strides=self._spatial(args[3] or 1, 2), pads=self._spatial(args[4] or 0, 2) * 2,
            output_padding=self._spatial(args[5] or 0, 2), group=args[6] or 1, dilations=self._spatial(args[7] or 1, 2),
        )  # fmt: skip

    def write_linear(self, node: Node, args: list) -> None:
        if len(self.shape(args[0])) == 2:
            self.emit("Gemm", [self.of(each) for each in args[:3] if each is not None], node.name, transB=1)
            return
        turned = self.emit("Transpose", [self.of(args[1])], perm=[1, 0])
        product = self.emit("MatMul", [self.of(args[0]), turned], "" if args[2] is not None else node.name)
        if args[2] is not None:
            self.emit("Add", [product, self.of(args[2])], node.name)

    def write_batch_norm(self, node: Node, args: list) -> None:
        count = self.shape(args[3])[0]
        for place, value in ((1, 1.0), (2, 0.0)):
            if args[place] is None:
                name = f"filled_{node.name}_{place}"
                self.tensors[name] = np.full(count, value, np.float32)
                args[place] = Ref(name, tensor=True)
        self.emit("BatchNormalization", [self.of(each) for each in args[:5]], node.name, epsilon=args[7] if args[7] is not None else 1e-5)

    def write_layer_norm(self, node: Node, args: list) -> None:
        sizes = args[1] if isinstance(args[1], tuple) else (args[1],)
        scale = self.of(args[2])
        if not scale:
            scale = f"filled_{node.name}"
            self.tensors[scale] = np.ones(sizes, np.float32)
        inputs = [self.of(args[0]), scale, *([self.of(args[3])] if args[3] is not None else [])]
        self.emit("LayerNormalization", inputs, node.name, axis=-len(sizes), epsilon=args[4] if args[4] is not None else 1e-5)

    def write_group_norm(self, node: Node, args: list) -> None:
        groups, channels = args[1], self.shape(args[0])[1]
        for word, fill in (("scale", 1.0), ("shift", 0.0)):
            self.tensors[f"{word}_{node.name}"] = np.full(groups, fill, np.float32)
        cut = self.emit("Reshape", [self.of(args[0]), self.constant([0, groups, -1])])
        eps = args[4] if args[4] is not None else 1e-5
        normal = self.emit("InstanceNormalization", [cut, f"scale_{node.name}", f"shift_{node.name}"], epsilon=eps)
        found = self.emit("Reshape", [normal, self.constant(self.free(node))], "" if args[2] is not None else node.name)
        if args[2] is not None:
            sides = self.constant([channels, *[1] * (len(self.shape(args[0])) - 2)])
            scaled = self.emit("Mul", [found, self.emit("Reshape", [self.of(args[2]), sides])])
            self.emit("Add", [scaled, self.emit("Reshape", [self.of(args[3]), sides])], node.name)

    # activations

    def write_leaky_relu(self, node: Node, args: list) -> None:
        self.emit("LeakyRelu", [self.of(args[0])], node.name, alpha=0.01 if args[1] is None else args[1])

    def write_prelu(self, node: Node, args: list) -> None:
        sides = self.constant([-1, *[1] * (len(self.shape(args[0])) - 2)])
        self.emit("PRelu", [self.of(args[0]), self.emit("Reshape", [self.of(args[1]), sides])], node.name)

    def write_elu(self, node: Node, args: list) -> None:
        if (args[2] or 1) != 1 or (args[3] or 1) != 1:
            raise self.cannot(node)
        self.emit("Elu", [self.of(args[0])], node.name, alpha=1.0 if args[1] is None else args[1])

    def write_gelu(self, node: Node, args: list) -> None:
        self.emit("Gelu", [self.of(args[0])], node.name, approximate=node.kwargs.get("approximate", "none"))

    def write_silu(self, node: Node, args: list) -> None:
        self.emit("Mul", [self.of(args[0]), self.emit("Sigmoid", [self.of(args[0])])], node.name)

    def write_hardsigmoid(self, node: Node, args: list) -> None:
        self.emit("HardSigmoid", [self.of(args[0])], node.name, alpha=1 / 6, beta=0.5)

    def write_relu6(self, node: Node, args: list) -> None:
        self.emit("Clip", [self.of(args[0]), self.constant(0.0), self.constant(6.0)], node.name)

    def write_hardtanh(self, node: Node, args: list) -> None:
        low, high = (usual if each is None else each for each, usual in zip(args[1:3], (-1.0, 1.0)))
        self.emit("Clip", [self.of(args[0]), self.constant(float(low)), self.constant(float(high))], node.name)

    def write_clamp(self, node: Node, args: list) -> None:
        low, high = (args[place] if args[place] is not None else node.kwargs.get(word) for place, word in ((1, "min"), (2, "max")))
        ends = ["" if each is None else self.constant(self.number(node, each)) for each in (low, high)]
        self.emit("Clip", [self.of(args[0]), *ends], node.name)

    def write_softplus(self, node: Node, args: list) -> None:
        beta = 1 if args[1] is None else args[1]
        if beta == 1:
            self.emit("Softplus", [self.of(args[0])], node.name)
            return
        scaled = self.emit("Softplus", [self.emit("Mul", [self.of(args[0]), self.constant(float(beta))])])
        self.emit("Div", [scaled, self.constant(float(beta))], node.name)

    def write_rsqrt(self, node: Node, args: list) -> None:
        self.emit("Reciprocal", [self.emit("Sqrt", [self.of(args[0])])], node.name)

    def write_softmax(self, node: Node, args: list) -> None:
        self.emit("Softmax", [self.of(args[0])], node.name, axis=args[1])

    def write_log_softmax(self, node: Node, args: list) -> None:
        self.emit("LogSoftmax", [self.of(args[0])], node.name, axis=args[1])

    # pooling

    def write_max_pool2d(self, node: Node, args: list) -> None:
        kernel = self._spatial(args[1], 2)
        self.emit(
            "MaxPool", [self.of(args[0])], node.name, kernel_shape=kernel, strides=self._spatial(args[2] or tuple(kernel), 2),
            pads=self._spatial(args[3] or 0, 2) * 2, dilations=self._spatial(args[4] or 1, 2), ceil_mode=int(bool(args[5])),
        )  # fmt: skip

    def write_avg_pool2d(self, node: Node, args: list) -> None:
        kernel = self._spatial(args[1], 2)
        if args[6] is not None:
            raise self.cannot(node)
        self.emit(
            "AveragePool", [self.of(args[0])], node.name, kernel_shape=kernel, strides=self._spatial(args[2] or tuple(kernel), 2),
            pads=self._spatial(args[3] or 0, 2) * 2, ceil_mode=int(bool(args[4])), count_include_pad=int(args[5] is not False),
        )  # fmt: skip

    def write_adaptive_avg_pool2d(self, node: Node, args: list, op: str = "AveragePool") -> None:
        given, wanted = self.shape(args[0])[2:], self.shape(Ref(node.name))[2:]
        if any(a % b for a, b in zip(given, wanted)):
            raise self.cannot(node)
        kernel = [a // b for a, b in zip(given, wanted)]
        self.emit(op, [self.of(args[0])], node.name, kernel_shape=kernel, strides=kernel)

    write_adaptive_avg_pool1d = write_adaptive_avg_pool2d

    def write_adaptive_max_pool2d(self, node: Node, args: list) -> None:
        raise self.cannot(node)

    # shapes

    def write_permute(self, node: Node, args: list) -> None:
        count = len(self.shape(args[0]))
        self.emit("Transpose", [self.of(args[0])], node.name, perm=[each % count for each in args[1]])

    def write_transpose(self, node: Node, args: list) -> None:
        perm = list(range(len(self.shape(args[0]))))
        perm[args[1]], perm[args[2]] = perm[args[2]], perm[args[1]]
        self.emit("Transpose", [self.of(args[0])], node.name, perm=perm)

    def write_mT(self, node: Node, args: list) -> None:
        self.write_transpose(node, [args[0], -2, -1])

    def write_t(self, node: Node, args: list) -> None:
        self.write_transpose(node, [args[0], 0, -1])

    def write_expand(self, node: Node, args: list) -> None:
        sizes = self.free(node)
        given = (1,) * (len(sizes) - len(self.shape(args[0]))) + self.shape(args[0])
        parts = [
            self.emit("Shape", [INPUT], start=0, end=1) if size < 0 and side == 1 else self.constant([max(size, 1)])
            for size, side in zip(sizes, given)
        ]
        self.emit("Expand", [self.of(args[0]), self.emit("Concat", parts, axis=0)], node.name)

    def write_pad(self, node: Node, args: list) -> None:
        count, sides = len(self.shape(args[0])), args[1]
        before, after = [0] * count, [0] * count
        for place, (low, high) in enumerate(zip(sides[::2], sides[1::2])):
            before[count - 1 - place], after[count - 1 - place] = low, high
        mode = {None: "constant", "constant": "constant", "reflect": "reflect", "replicate": "edge"}.get(args[2])
        if mode is None:
            raise self.cannot(node)
        value = [self.constant(float(args[3] or 0))] if mode == "constant" else []
        self.emit("Pad", [self.of(args[0]), self.constant(before + after), *value], node.name, mode=mode)

    def write_slice(self, node: Node, args: list) -> None:
        dim, start, end, step = args[1] or 0, args[2] or 0, args[3], args[4] or 1
        if any(isinstance(each, Ref) for each in (start, end)):
            raise self.cannot(node)
        ends = [np.iinfo(np.int64).max if end is None else end]
        self.emit("Slice", [self.of(args[0]), *map(self.constant, ([start], ends, [dim], [step]))], node.name)

    def write_select(self, node: Node, args: list) -> None:
        name = self.constant([args[2]])
        self.tensors[name] = np.array(args[2], np.int64)
        self.emit("Gather", [self.of(args[0]), name], node.name, axis=args[1])

    def write_chunk(self, node: Node, args: list) -> None:
        dim = args[-1] if node.op == "" else (args[2] or node.kwargs.get("dim", 0))
        parts = self.two[node.name]
        assert isinstance(parts, list)
        taken = {each.args[1]: each.name for each in self.graph.nodes if each.op == "getitem" and each.args[0] == Ref(node.name)}
        count = len(parts)
        names = [taken.get(at, taken.get(at - count, f"{node.name}_{at}_")) for at in range(count)]
        sizes = self.constant([part.shape[dim] for part in parts])
        self.nodes.append(self.onnx.helper.make_node("Split", [self.of(args[0]), sizes], names, name=node.name, axis=dim))

    write_split = write_split_with_sizes = write_chunk

    def write_cat(self, node: Node, args: list) -> None:
        self.emit("Concat", [self.of(each) for each in args[0]], node.name, axis=args[1] or 0)

    def write_stack(self, node: Node, args: list) -> None:
        axis = args[1] or 0
        parts = [self.emit("Unsqueeze", [self.of(each), self.constant([axis])]) for each in args[0]]
        self.emit("Concat", parts, node.name, axis=axis)

    def write_upsample_nearest2d(self, node: Node, args: list) -> None:
        given, wanted = self.shape(args[0]), self.shape(Ref(node.name))
        name = self.constant([1])
        self.tensors[name] = np.array([b / a for a, b in zip(given, wanted)], np.float32)
        self.emit(
            "Resize",
            [self.of(args[0]), "", name],
            node.name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    # arithmetic

    def write_rsub(self, node: Node, args: list) -> None:
        self.emit("Sub", [self.of(args[1]), self.of(args[0])], node.name)

    def write_addmm(self, node: Node, args: list) -> None:
        if any(node.kwargs.get(word, 1) != 1 for word in ("alpha", "beta")):
            raise self.cannot(node)
        self.emit("Add", [self.emit("MatMul", [self.of(args[1]), self.of(args[2])]), self.of(args[0])], node.name)

    write_baddbmm = write_addmm

    def write_scaled_dot_product_attention(self, node: Node, args: list) -> None:
        if args[5] or node.kwargs.get("is_causal") or node.kwargs.get("enable_gqa") or isinstance(args[3], bool):
            raise self.cannot(node)
        query, key = self.shape(args[0]), self.shape(args[1])
        perm = [*range(len(key) - 2), len(key) - 1, len(key) - 2]
        given = node.kwargs.get("scale")
        scale = query[-1] ** -0.5 if given is None else self.number(node, given)
        weights = self.emit("MatMul", [self.of(args[0]), self.emit("Transpose", [self.of(args[1])], perm=perm)])
        weights = self.emit("Mul", [weights, self.constant(scale)])
        if args[3] is not None:
            weights = self.emit("Add", [weights, self.of(args[3])])
        self.emit("MatMul", [self.emit("Softmax", [weights], axis=-1), self.of(args[2])], node.name)
