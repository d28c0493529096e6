"""Calls of ATen operations, as programs hold them, become a graph's nodes: in-place ones, those that hand on what they are given, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...core.errors import InvalidValue
from .form import CONSTANT, PARAMETER, STATISTIC, Argument, Graph, Node, Ref, Slot, of_json, to_json
from .ops import ALLOWED
from .shapes import check, check_statistics

ENDLESS = 1 << 50  # a slice up to the end has a larger end
IGNORED = ("lift_fresh_copy", "alias", "detach", "detach_", "dropout", "dropout_", "feature_dropout", "alpha_dropout", "to")  # hand on
DROPPED = ("memory_format", "dtype", "layout", "device", "pin_memory")  # arguments that decide no value
POOLS_1D: dict[str, dict[str, Argument]] = {  # their arguments, and what is usual
    "max_pool1d": {"kernel_size": None, "stride": None, "padding": 0, "dilation": 1, "ceil_mode": False},
    "avg_pool1d": {"kernel_size": None, "stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True},
}
FLAGS = ("ceil_mode", "count_include_pad")
SAME_PADDING = (None, (1,), "valid", (1,), 1)  # what conv2d.padding takes from its third argument on, where nothing is given


@dataclass(frozen=True)
class Captured:
    """A graph, its constants, and the tensors (parameters and statistics) of the network that it was captured from."""

    graph: Graph
    constants: Mapping[str, Tensor]
    tensors: Mapping[str, Tensor]


@dataclass
class Recorder:
    """Collects tensors and calls. `known`: what each name of the program is in the graph."""

    slots: dict[str, Slot] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    known: dict[str, Ref] = field(default_factory=dict)

    def hold(self, name: str, target: str, held: Tensor, parameter: bool) -> None:
        """A tensor of the program, called `name` in it and `target` by the user."""
        self.known[name] = Ref(target, tensor=True)
        self.slots[target] = Slot(target, tuple(held.shape), PARAMETER if parameter else CONSTANT)
        if parameter:
            self.tensors[target] = held.detach().float()
        else:
            self.constants[target] = held.detach()

    def add(self, name: str, op: str, args: tuple[Argument, ...], kwargs: Mapping[str, Argument], source: str, where: str = "") -> None:
        """One call; `source` is the program's name of its first argument, `where` a place in the user's file. Raises InvalidValue."""
        base = op.partition(".")[0]
        inplace = base.endswith("_") and not base.endswith("__")
        op = op.replace(base, base[:-1], 1) if inplace else op
        if base in IGNORED or base == "_assert_tensor_metadata":
            self.known[name] = self.known.get(source, Ref(name))
            return
        if op == "conv2d.padding":
            op, args = "conv2d", self._same_padding(args)
        if op in POOLS_1D:
            return self._pool(name, op, args, kwargs)
        if op not in ALLOWED:
            raise InvalidValue(f"The operation {op[:80]!r} is not supported{where}. Write it with other operations.")
        kept = {key: _ended(value) for key, value in kwargs.items() if key not in DROPPED}
        self.nodes.append(Node(name, op, tuple(map(_ended, args)), kept))
        self.known[name] = Ref(name)
        if inplace:
            self.known[source] = Ref(name)  # whoever reads it from here on reads what it has become

    def _pool(self, name: str, op: str, args: tuple[Argument, ...], kwargs: Mapping[str, Argument]) -> None:
        """A pool along a line as one over an image of one row, [B, C, 1, L]."""
        given = {key: _ended(value) for key, value in (*zip(POOLS_1D[op], args[1:]), *kwargs.items())}
        if given.get("stride") in (None, ()):
            given["stride"] = given["kernel_size"]
        values = []
        for key, usual in POOLS_1D[op].items():
            value = given.get(key, usual)
            line = value[0] if isinstance(value, tuple) else value
            values.append(value if key in FLAGS else (0 if key == "padding" else 1, line))
        self.nodes.append(Node(f"{name}_row", "unsqueeze", (args[0], -2)))
        self.nodes.append(Node(f"{name}_pooled", op.replace("1d", "2d"), (Ref(f"{name}_row"), *values)))
        self.nodes.append(Node(name, "squeeze.dim", (Ref(f"{name}_pooled"), -2)))
        self.known[name] = Ref(name)

    def _same_padding(self, args: tuple) -> tuple:
        """The arguments of a convolution with padding="same" or "valid", with numbers for it."""
        given: list[Any] = [*args, *SAME_PADDING[len(args) - 2 :]]
        x, weight, bias, stride, padding, dilation, groups = given
        sides = self.slots[weight.name].shape[2:]
        dilation = tuple(dilation) * len(sides) if len(dilation) == 1 else tuple(dilation)
        spans = [step * (side - 1) for step, side in zip(dilation, sides)]
        if padding == "same" and any(span % 2 for span in spans):
            raise InvalidValue("padding='same' of kernels of even size is not supported. Pad with torch.nn.functional.pad.")
        return x, weight, bias, stride, tuple(span // 2 if padding == "same" else 0 for span in spans), dilation, groups

    def finished(self, input_shape: tuple[int, ...], output: str) -> Captured:
        """The graph of it all, checked as a stranger's would be. Raises InvalidValue."""
        statistics = {ref.name for node in self.nodes if node.op == "batch_norm" for ref in node.args[3:5] if isinstance(ref, Ref)}
        for name in statistics & self.constants.keys():
            self.slots[name] = Slot(name, self.slots[name].shape, STATISTIC)
            self.tensors[name] = self.constants.pop(name).float()
        read = {ref.name for node in self.nodes for ref in node.reads if ref.tensor}
        slots = tuple(slot for slot in self.slots.values() if slot.role == PARAMETER or slot.name in read)
        graph = of_json(to_json(Graph(input_shape, slots, tuple(self.nodes), self.known[output].name)))
        check_statistics(graph)
        check(graph)
        return Captured(graph, {slot.name: self.constants[slot.name] for slot in slots if slot.role == CONSTANT}, self.tensors)


def _ended(value: Argument) -> Argument:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > ENDLESS:
        return None
    return tuple(map(_ended, value)) if isinstance(value, tuple) else value
