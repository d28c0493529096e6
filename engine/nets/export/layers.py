"""The layers of torch.nn that a graph calls, as source: which nodes are one, and how each is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...archs.graph.form import CONSTANT, PARAMETER, STATISTIC, Graph, Node, Ref, Slot
from ...archs.graph.shapes import Value, check

WEIGHTED = ("linear", "conv1d", "conv2d", "conv_transpose2d.input")


@dataclass
class Tree:
    """A module's parts by their names: layers as source, tensors of its own, and modules within."""

    source: str = ""
    tensors: dict[str, Slot] = field(default_factory=dict)
    parts: dict[str, Tree] = field(default_factory=dict)

    @property
    def numbered(self) -> bool:
        """Whether its parts are a list's."""
        return bool(self.parts) and list(self.parts) == [str(at) for at in range(len(self.parts))]

    def at(self, path: str) -> Tree:
        found = self
        for part in filter(None, path.split(".")):
            found = found.parts.setdefault(part, Tree())
        return found


def tree_of(graph: Graph) -> tuple[Tree, dict[str, str]]:
    """(the tree of the modules that a graph's tensors are in, node -> path of the layer that it calls)."""
    tree, calls = Tree(), {}
    uses, slots, values = graph.uses(), graph.slot, check(graph)
    for slot in graph.slots:
        if slot.role == PARAMETER:
            path, _, last = slot.name.rpartition(".")
            tree.at(path).tensors[last] = slot
    for node in graph.nodes:
        path = _path(node, uses, slots)
        whole = {f"{path}.{last}" for last in tree.at(path).tensors} <= {ref.name for ref in node.reads if ref.tensor}
        source = _source(node, path, slots, values) if path and whole else ""
        if source and not tree.at(path).source and not tree.at(path).parts:
            tree.at(path).source = source
            calls[node.name] = path
    for each in _all(tree):
        _as_linear(each)
    return tree, calls


def _all(tree: Tree) -> Iterator[Tree]:
    yield tree
    for part in tree.parts.values():
        yield from _all(part)


def _as_linear(tree: Tree) -> None:
    """Weights that a product reads by itself are best held by a linear layer, if they are shaped so."""
    shapes = {name: slot.shape for name, slot in tree.tensors.items()}
    weight, bias = shapes.get("weight", ()), shapes.get("bias")
    if not tree.source and not tree.parts and len(weight) == 2 and bias == (weight[0],) and len(shapes) == 2:
        tree.source = f"nn.Linear({weight[1]}, {weight[0]})"


def _path(node: Node, uses: Mapping[Ref, int], slots: Mapping[str, Slot]) -> str:
    """Where the tensors of a node lie together as a layer's do, read by it alone; "" where they do not."""
    read = [ref for ref in node.reads if ref.tensor]
    paths = {ref.name.rpartition(".")[0] for ref in read}
    words = {ref.name.rpartition(".")[2] for ref in read}
    whole = words <= {"weight", "bias", "running_mean", "running_var"} and all(uses[ref] == 1 for ref in read)
    right = all(slots[ref.name].role in (PARAMETER, STATISTIC) for ref in read)
    return paths.pop() if len(paths) == 1 and whole and right else ""


def _source(node: Node, path: str, slots: Mapping[str, Slot], values: Mapping[str, Value]) -> str:
    """The layer as it is written in `__init__`; "" where it is none."""
    args = [*node.args, *(None,) * (10 - len(node.args))]
    if node.kwargs or not isinstance(args[0], Ref) or args[0].tensor:
        return ""
    bias = f"{path}.bias" in slots
    weight = tuple(slots[f"{path}.weight"].shape if f"{path}.weight" in slots else ())
    tail = "" if bias else ", bias=False"
    if node.op in WEIGHTED and not weight:
        return ""  # it is computed
    if node.op == "linear":
        return f"nn.Linear({weight[1]}, {weight[0]}{tail})"
    if node.op in ("conv1d", "conv2d"):
        names = ("stride", "padding", "dilation", "groups")
        groups = args[6] or 1
        assert isinstance(groups, int)
        options = _options(names, args[3:7])
        return f"nn.{'Conv1d' if node.op == 'conv1d' else 'Conv2d'}({weight[1] * groups}, {weight[0]}, {_side(weight[2:])}{options}{tail})"
    if node.op == "conv_transpose2d.input":
        names = ("stride", "padding", "output_padding", "groups", "dilation")
        groups = args[6] or 1
        assert isinstance(groups, int)
        options = _options(names, args[3:8])
        return f"nn.ConvTranspose2d({weight[0]}, {weight[1] * groups}, {_side(weight[2:])}{options}{tail})"
    if node.op == "batch_norm":
        held = values[args[0].name]
        kind = "BatchNorm2d" if getattr(held, "ndim", 0) == 4 else "BatchNorm1d"
        eps, plain = ("" if args[7] == 1e-5 else f", eps={args[7]:g}"), "" if weight else ", affine=False"
        return f"nn.{kind}({slots[f'{path}.running_mean'].count}{eps}{plain})"
    if node.op == "layer_norm" and weight and bias:
        eps = "" if args[4] in (None, 1e-5) else f", eps={args[4]:g}"
        return f"nn.LayerNorm({_side(weight) if len(weight) == 1 else weight}{eps})"
    if node.op == "group_norm" and weight and bias:
        eps = "" if args[4] in (None, 1e-5) else f", eps={args[4]:g}"
        return f"nn.GroupNorm({args[1]}, {weight[0]}{eps})"
    return ""


def _options(names: tuple[str, ...], values: list) -> str:
    usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
    found = ""
    for name, value in zip(names, values):
        if value is not None and any(each != usual[name] for each in (value if isinstance(value, tuple) else (value,))):
            found += f", {name}={_side(value)}"
    return found


def _side(value) -> str:
    """(3, 3) as 3."""
    if not isinstance(value, tuple):
        return repr(value)
    return repr(value[0]) if len(set(value)) == 1 else repr(value)


def constants_of(graph: Graph) -> dict[str, str]:
    """Name of each constant -> its name in the module."""
    return {slot.name: slot.name.replace(".", "_") for slot in graph.slots if slot.role == CONSTANT}
