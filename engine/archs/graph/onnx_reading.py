"""An ONNX file as a graph: its nodes written as ATen operations, layers where it has layers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...core.boundary import untrusted
from ...core.errors import InvalidValue
from .form import INPUT, SIDE, Argument, Node, Ref
from .naming import clash, name_layers
from .onnx_operations import OPERATIONS
from .recording import Captured, Recorder
from .shapes import run_node

SIZE_LIMIT = 2 << 30  # bytes: what a file of protocol buffers holds
AGAIN = "Export it again, with a batch of any size and its weights inside."


def read(path: Path, name: str, shape: tuple[int, ...] | None = None) -> Captured:
    """The network of a file; `shape` is that of one input, where the file leaves some of it open. Raises InvalidValue."""
    try:
        import onnx
    except ImportError as error:
        raise InvalidValue("ONNX files need the package onnx: pip install onnx==1.23.2.") from error
    if path.stat().st_size > SIZE_LIMIT:
        raise InvalidValue(f"{name} is over {SIZE_LIMIT >> 20} MiB.")
    with untrusted(name, InvalidValue, AGAIN):
        model = onnx.load_model(str(path), load_external_data=False)
        onnx.checker.check_model(model)
        return Reading(onnx, model, name).captured(shape)


class Reading:
    """One file on its way in. `refs` are tensors that are computed, `constants` what is known: weights, and sizes with batches in them."""

    def __init__(self, onnx: Any, model: Any, name: str):
        self.onnx, self.graph, self.name = onnx, model.graph, name
        self.recorder = Recorder()
        self.refs: dict[str, Ref] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.sizes: dict[str, list] = {}  # shapes that are computed: whole numbers, and references to a batch's size
        self.values: dict[str, Any] = {}
        self.meta: dict[str, Tensor] = {}
        self.count = 0
        self.single = False  # exported for one input at a time: where it says 1, it means the batch

    def captured(self, shape: tuple[int, ...] | None = None) -> Captured:
        weights = {each.name: each for each in self.graph.initializer}
        for name, tensor in weights.items():
            if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
                raise InvalidValue(f"{self.name} keeps its weights in another file. {AGAIN}")
            self.constants[name] = self.onnx.numpy_helper.to_array(tensor)
        inputs = [each for each in self.graph.input if each.name not in weights]
        if len(inputs) != 1 or len(self.graph.output) != 1:
            raise InvalidValue(
                f"{self.name} has {len(inputs)} inputs and {len(self.graph.output)} outputs, where one of each is needed. "
                "Export the part that answers."
            )
        sides = self.input_shape(inputs[0].type.tensor_type, shape)
        self.refs[inputs[0].name] = Ref(INPUT)
        self.values[INPUT] = torch.empty(2, *sides, device="meta")
        for node in self.graph.node:
            self.read(node)
        output = self.refs.get(self.graph.output[0].name)
        if output is None:
            raise InvalidValue(f"{self.name} answers with a constant.")
        self.recorder.known["output"] = output
        name_layers(self.recorder)
        return self.recorder.finished(sides, "output")

    def input_shape(self, kind: Any, shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """The shape of one input: what the file says, and `shape` where it leaves a side open. Raises InvalidValue."""
        batch, *sides = [side.dim_value for side in kind.shape.dim] or [0]
        if kind.elem_type != self.onnx.TensorProto.FLOAT or not sides:
            raise InvalidValue(f"{self.name} takes no input [B, ...] of floats. {AGAIN}")
        if batch > 1:
            raise InvalidValue(f"{self.name} takes {batch} inputs at a time. {AGAIN}")
        self.single = batch == 1
        words = "x".join(str(side) if side > 0 else "?" for side in sides)
        if shape is None and "?" in words:
            raise InvalidValue(f"{self.name} takes inputs of several sizes, {words}. Choose one with --input.")
        if shape is not None and (len(shape) != len(sides) or any(side > 0 and side != own for side, own in zip(sides, shape))):
            raise InvalidValue(f"{self.name} takes inputs of {words}, not {'x'.join(map(str, shape))}. Choose another --input.")
        found = tuple(shape or sides)
        if max(found) >= SIDE:
            raise InvalidValue(f"{self.name} takes inputs of {words}, and a side may have at most {SIDE}. {AGAIN}")
        return found

    def read(self, node: Any) -> None:
        operation = OPERATIONS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        if operation is None:
            raise InvalidValue(f"{self.name}: the operation {node.op_type[:40]!r} ({node.name[:60]}) is not supported.")
        attributes = {each.name: self.onnx.helper.get_attribute_value(each) for each in node.attribute}
        try:
            operation(self, node, attributes)
        except InvalidValue:
            raise
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidValue(f"{self.name}: {node.op_type} ({node.name[:60]}) is not supported as it is used here.") from error

    # what operations are written with

    def emit(self, op: str, *args: Argument, **kwargs: Argument) -> Ref:
        """One node, its result's shape known from here on."""
        self.count += 1
        node = Node(f"{op.partition('.')[0]}_{self.count}", op, args, kwargs)
        self.values[node.name] = run_node(node, self.meta, self.values)
        self.recorder.nodes.append(node)
        return Ref(node.name)

    def give(self, node: Any, ref: Ref) -> None:
        self.refs[node.output[0]] = ref

    def tensor(self, name: str) -> Ref:
        """What a node reads: something computed, or a weight, which is a parameter from here on."""
        return self.refs[name] if name in self.refs else self.parameter(name, self.constants[name])

    def parameter(self, name: str, array: np.ndarray, role: bool = True) -> Ref:
        """A weight (or with `role` False a constant) as one of the graph's tensors, under its own name where that can be one."""
        if array.dtype.kind != "f":
            raise InvalidValue(f"{self.name}: {name[:60]} holds {array.dtype}, where floats are needed.")
        words = ".".join(filter(None, re.sub(r"[^A-Za-z0-9_.]+", "_", name).strip("._").split(".")[-6:]))[-160:] or "tensor"
        target, number = words, 1
        held = torch.from_numpy(np.array(array, np.float32))
        while clash(target, self.recorder.slots) and not (role and torch.equal(self.recorder.tensors.get(target, held[:0]), held)):
            number += 1
            target = f"{words.replace('.', '_')}_{number}"
        if target not in self.recorder.slots:
            self.recorder.hold(target, target, held, role)
            self.meta[target] = torch.empty(held.shape, device="meta")
        return Ref(target, tensor=True)

    def shape(self, ref: Ref) -> tuple[int, ...]:
        return tuple((self.meta if ref.tensor else self.values)[ref.name].shape)

    def constant(self, name: str) -> np.ndarray:
        """A tensor that is known before anything runs. Raises KeyError."""
        return self.constants[name]

    def size_of(self, name: str) -> list:
        """Whole numbers that may have a batch's size among them."""
        return self.sizes[name] if name in self.sizes else [int(each) for each in np.atleast_1d(self.constants[name])]
