"""Batch norm leaves a graph: folded into the layer that feeds it where nothing else reads between, a scale and a shift elsewhere.

Legend: C channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .form import PARAMETER, Graph, Node, Ref, Slot
from .shapes import check

FOLDABLE = ("conv1d", "conv2d", "conv_transpose2d.input", "linear")
WEIGHT, BIAS, GROUPS = 1, 2, {"conv1d": 6, "conv2d": 6, "conv_transpose2d.input": 6}  # places among the arguments
EPS = 7  # of batch_norm


@dataclass(frozen=True)
class Norm:
    """A batch norm and where it goes. `weight` and `bias` name the deployed tensors that it is in: those of the layer before it (then
    `layer_bias` is the bias that this had, "" for none, and `axis` the weight's dimension of the channels), or its own (`axis` -1)."""

    node: Node
    weight: str
    bias: str
    layer_bias: str = ""
    axis: int = -1


@dataclass(frozen=True)
class Folded:
    """A graph without batch norm, and how its tensors come from those of the graph as it was."""

    graph: Graph
    norms: tuple[Norm, ...]


def prefix(node: Node) -> str:
    """The module path of a batch norm: its statistics' names without the last part."""
    mean = node.args[3]
    assert isinstance(mean, Ref), "shapes.check_statistics has seen it"
    return mean.name.rpartition(".")[0]


def fold(graph: Graph) -> Folded:
    """The graph in deployable form: its parameters are all that is learnt, and no statistics are left."""
    uses, values = graph.uses(), check(graph)
    made = {node.name: node for node in graph.nodes}
    slots = {slot.name: slot for slot in graph.slots}
    names = _own_names(graph)
    renamed: dict[Ref, Ref] = {}
    nodes: list[Node] = []
    norms: list[Norm] = []

    def now(ref: Ref) -> Ref:
        return renamed.get(ref, ref)

    for node in graph.nodes:
        if node.op != "batch_norm":
            nodes.append(node.with_refs(now))
            continue
        source = node.args[0]
        layer = made.get(source.name) if isinstance(source, Ref) and not source.tensor else None
        norm = _into_layer(node, layer, uses, values, slots, names) if layer else None
        if norm and layer:
            at = next(place for place, each in enumerate(nodes) if each.name == layer.name)
            args = list(nodes[at].args) + [None] * (3 - len(nodes[at].args))
            args[BIAS] = Ref(norm.bias, tensor=True)
            nodes[at] = replace(nodes[at], args=tuple(args))
            renamed[Ref(node.name)] = Ref(layer.name)
        else:
            norm = Norm(node, *names[_tensors(node)])
            nodes += _scale_and_shift(node.with_refs(now), norm, values, made.keys())
            renamed[Ref(node.name)] = Ref(f"{node.name}_shifted")
        norms.append(norm)
    output = now(Ref(graph.output)).name
    return Folded(replace(graph, slots=_slots(graph, norms), nodes=tuple(nodes), output=output), tuple(norms))


def _tensors(node: Node) -> tuple[str, ...]:
    """The tensors that a batch norm reads."""
    return tuple(ref.name for ref in node.args[1:5] if isinstance(ref, Ref))


def _still_read(graph: Graph) -> set[str]:
    """Tensors that something else than batch norms reads."""
    return {ref.name for node in graph.nodes if node.op != "batch_norm" for ref in node.reads if ref.tensor}


def _own_names(graph: Graph) -> dict[tuple[str, ...], tuple[str, str]]:
    """What scale and shift of each batch norm are called where it stays, by the tensors that it reads (one that is called twice has one
    pair): its module's weight and bias, or where those are something else's, after its mean."""
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    norms, read = [node for node in graph.nodes if node.op == "batch_norm"], _still_read(graph)
    taken = {slot.name for slot in graph.slots}
    for node in norms:
        own, path = _tensors(node), prefix(node)
        if own in found:
            continue
        free = taken - (set(own) - read - {name for each in norms if _tensors(each) != own for name in _tensors(each)})
        pair, number = (f"{path}.weight".lstrip("."), f"{path}.bias".lstrip(".")), 1
        while any(name in free for name in pair):
            pair, number = (f"{own[-2]}_scale{number}", f"{own[-2]}_shift{number}"), number + 1
        found[own] = pair
        taken |= set(pair)
    return found


def _into_layer(
    node: Node, layer: Node, uses: dict[Ref, int], values: dict, slots: dict[str, Slot], names: dict[tuple[str, ...], tuple[str, str]]
) -> Norm | None:
    """The batch norm as folded into the layer whose result it alone reads; None where it has to stay."""
    if layer.op not in FOLDABLE or layer.kwargs or len(layer.args) <= WEIGHT:
        return None
    own = [layer.args[WEIGHT], layer.args[BIAS] if len(layer.args) > BIAS else None, *node.args[1:5]]
    read_once = all(each is None or isinstance(each, Ref) and each.tensor and uses[each] == 1 for each in own)
    if not read_once or uses[Ref(layer.name)] != 1:
        return None
    if layer.op == "linear" and values[layer.name].dim() != 2:  # over [B, L, C] a batch norm counts L for its channels
        return None
    transposed = layer.op == "conv_transpose2d.input"
    if transposed and len(layer.args) > GROUPS[layer.op] and layer.args[GROUPS[layer.op]] != 1:
        return None
    weight, bias = own[0], own[1]
    assert isinstance(weight, Ref)
    if bias is None:
        name = f"{weight.name.removesuffix('weight')}bias"
        if name in slots or not weight.name.endswith("weight") or any(name in own for own in names.values()):
            return None
        return Norm(node, weight.name, name, "", int(transposed))
    assert isinstance(bias, Ref)
    return Norm(node, weight.name, bias.name, bias.name, int(transposed))


def _scale_and_shift(node: Node, norm: Norm, values: dict, taken) -> list[Node]:
    dims = values[node.name].dim()
    found, parts = [], []
    for word, name in (("scale", norm.weight), ("shift", norm.bias)):
        ref: Ref = Ref(name, tensor=True)
        if dims > 2:
            found.append(Node(f"{node.name}_{word}", "view", (ref, (1, -1, *(1,) * (dims - 2)))))
            ref = Ref(f"{node.name}_{word}")
        parts.append(ref)
    found.append(Node(f"{node.name}_scaled", "mul.Tensor", (node.args[0], parts[0])))
    return [*found, Node(f"{node.name}_shifted", "add.Tensor", (Ref(f"{node.name}_scaled"), parts[1]))]


def _slots(graph: Graph, norms: list[Norm]) -> tuple[Slot, ...]:
    """The tensors that are left, in the order of the user's module; a layer's new bias stands behind its weight."""
    gone = {name for norm in norms for name in _tensors(norm.node)} - _still_read(graph)
    slots = graph.slot
    new: dict[str, list[Slot]] = {}
    for norm in norms:
        if norm.axis >= 0 and not norm.layer_bias:
            new.setdefault(norm.weight, []).append(Slot(norm.bias, (_channels(graph, norm),)))
        elif norm.axis < 0:
            first = _tensors(norm.node)[0]
            count = (_channels(graph, norm),)
            pair = [Slot(norm.weight, count, PARAMETER, ("constant", 1)), Slot(norm.bias, count, PARAMETER, ("constant", 0))]
            new.setdefault(first, []).extend(each for each in pair if each not in new.get(first, []))
    found = []
    for slot in graph.slots:
        found += [] if slot.name in gone else [slot]
        found += new.get(slot.name, [])
    assert len({slot.name for slot in found}) == len(found) and len(slots) == len(graph.slots)
    return tuple(found)


def _channels(graph: Graph, norm: Norm) -> int:
    mean = norm.node.args[3]
    assert isinstance(mean, Ref)
    return graph.slot[mean.name].count


@torch.no_grad()
def fold_tensors(folded: Folded, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The deployed tensors that do what a graph with these tensors does: name -> tensor."""
    found = dict(tensors)
    for norm in folded.norms:
        weight, bias, mean_C, var_C = (tensors[ref.name] if isinstance(ref, Ref) else None for ref in norm.node.args[1:5])
        eps = norm.node.args[EPS] if len(norm.node.args) > EPS else 1e-5
        assert mean_C is not None and var_C is not None and isinstance(eps, int | float)
        scale_C = (var_C + eps).rsqrt() * (1 if weight is None else weight)
        shift_C = (0 if bias is None else bias) - mean_C * scale_C
        if norm.axis < 0:
            found[norm.weight], found[norm.bias] = scale_C, shift_C
            continue
        layer = tensors[norm.weight]
        sides = [1] * layer.dim()
        sides[norm.axis] = -1
        found[norm.weight] = layer * scale_C.view(sides)
        found[norm.bias] = shift_C + (tensors[norm.layer_bias] * scale_C if norm.layer_bias else 0)
    return {slot.name: found[slot.name] for slot in folded.graph.slots}
