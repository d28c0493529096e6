"""A graph as a module: real layers where it calls layers, under the names that the user's module gave them.

So everything that looks for convolutions, batch norms or parameters in a module finds them here too; only the order of the calls is
read from the graph instead of from a `forward`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...core.errors import InvalidValue
from .folding import Folded, fold, fold_tensors, prefix
from .form import CONSTANT, INPUT, PARAMETER, STATISTIC, Argument, Graph, Node, Ref, Slot
from .ops import function
from .shapes import check

CONVOLUTIONS: dict[str, Callable[..., nn.Module]] = {"conv1d": nn.Conv1d, "conv2d": nn.Conv2d}
TRANSPOSED = "conv_transpose2d.input"
NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
TRANSPOSED_DEFAULTS = {"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1}


@dataclass(frozen=True)
class Step:
    """One node, ready to run. `layer`: path of the module that is called, () where a function is."""

    name: str
    layer: tuple[str, ...]
    call: Callable | None
    args: tuple[Argument, ...]
    kwargs: Mapping[str, Argument]
    done: tuple[str, ...]  # results that nobody reads any more


class Program:
    """The steps of a graph, shared by all copies of a module."""

    def __init__(self, graph: Graph, layers: Mapping[str, str], constants: Mapping[str, Tensor]):
        last: dict[str, int] = {}
        for at, node in enumerate(graph.nodes):
            last[node.name] = at
            last.update({ref.name: at for ref in node.reads if not ref.tensor})
        last.pop(graph.output, None)
        done: dict[int, list[str]] = {}
        for name, at in last.items():
            done.setdefault(at, []).append(name)
        self.output, self.constants = graph.output, dict(constants)
        self.steps = tuple(_step(node, layers, tuple(done.get(at, ()))) for at, node in enumerate(graph.nodes))

    def __deepcopy__(self, memo: dict) -> Program:
        return self


def _step(node: Node, layers: Mapping[str, str], done: tuple[str, ...]) -> Step:
    if node.name in layers:
        return Step(node.name, tuple(layers[node.name].split(".")), None, node.args[:1], {}, done)
    return Step(node.name, (), function(node.op), node.args, node.kwargs, done)


class GraphNet(nn.Module):
    """A network given by a graph: inputs [B, *input_shape] -> answers [B, classes].

    `batch_norm`: the form in which it is trained, with batch norms that use each batch's statistics (see `archs.folding`); else the
    deployable form, which has parameters alone. Parameters start as the graph says. `constants`: its constants by their names.
    """

    def __init__(self, graph: Graph, constants: Mapping[str, Tensor] | None = None, batch_norm: bool = False):
        super().__init__()
        self._given, self._constants = graph, dict(constants or {})
        self._folded: Folded = fold(graph)
        form = graph if batch_norm else self._folded.graph
        layers = build_layers(self, form)
        for slot in form.slots:
            if slot.role == PARAMETER:
                holder, last = _holder(self, slot.name)
                if last not in holder._parameters:
                    holder.register_parameter(last, nn.Parameter(torch.empty(slot.shape)))
                draw(holder.get_parameter(last), slot, self._constants)
        for name, start in _free_statistics(form, layers).items():
            holder, last = _holder(self, name)
            holder.register_buffer(last, start)
        held = {slot.name: self._constants[slot.name] for slot in form.slots if slot.role == CONSTANT}
        self._program = Program(form, layers, held)

    def forward(self, x: Tensor) -> Tensor:
        values: dict[str, Any] = {INPUT: x}
        program = self._program

        def filled(value: Argument):
            if isinstance(value, Ref):
                return self._tensor(value.name, x.device) if value.tensor else values[value.name]
            return [filled(each) for each in value] if isinstance(value, tuple) else value

        for step in program.steps:
            if step.call is None:
                layer: nn.Module = self
                for part in step.layer:
                    layer = _part(layer, part)
                values[step.name] = layer(filled(step.args[0]))
            else:
                values[step.name] = step.call(*map(filled, step.args), **{key: filled(value) for key, value in step.kwargs.items()})
            for name in step.done:
                del values[name]
        return values[program.output]

    @property
    def graph(self) -> Graph:
        """Its graph in the deployable form."""
        return self._folded.graph

    @property
    def constants(self) -> Mapping[str, Tensor]:
        return self._constants

    def _tensor(self, name: str, device: torch.device) -> Tensor:
        if name in self._program.constants:
            return self._program.constants[name].to(device)
        holder, last = _holder(self, name)
        found = getattr(holder, last)
        return found.to(device) if last in holder._buffers else found

    def folded(self) -> GraphNet:
        """An equal module in deployable form; this one is in evaluation mode and its batch norms hold statistics."""
        net = GraphNet(self._given, self._constants)
        mine = self.state_dict()
        wanted = {name: mine[name] for name in (slot.name for slot in self._given.slots) if name in mine}
        net.load_state_dict(fold_tensors(self._folded, wanted | self._constants), strict=False)
        return net.to(next(self.parameters()).device).train(self.training)


def _free_statistics(graph: Graph, layers: Mapping[str, str]) -> dict[str, Tensor]:
    """Statistics of norms that are no layer of their own (one that is called twice, or is no module), as they start: mean 0, variance 1.
    Such a norm keeps them while it is trained."""
    found = {}
    for node in graph.nodes:
        if node.op == "batch_norm" and node.name not in layers:
            for ref, start in zip(node.args[3:5], (torch.zeros, torch.ones)):
                assert isinstance(ref, Ref), "shapes.check_statistics has seen it"
                found[ref.name] = start(graph.slot[ref.name].shape, device="cpu")  # values, in a skeleton on the meta device, too
    return found


def build_layers(net: nn.Module, graph: Graph) -> dict[str, str]:
    """Gives `net` the layers that a graph calls; node -> path of the layer that it is. Tensors that are in no layer are left out."""
    uses, slots, values, layers = graph.uses(), graph.slot, check(graph), {}
    lying: dict[str, set[str]] = {}  # path -> tensors that lie there
    for slot in graph.slots:  # containers first, in the order of the user's module, which is that of a PRep
        check_name(net, slot.name)
        if slot.role != CONSTANT:
            _holder(net, slot.name, make=True)
            lying.setdefault(slot.name.rpartition(".")[0], set()).add(slot.name)
    for node in graph.nodes:
        path, layer = _layer(node, uses, slots, values)
        if layer is not None and lying[path] <= {ref.name for ref in node.reads}:  # else what it does not read would be its bias
            parent, last = _holder(net, path)
            held = _part(parent, last)
            if not held._modules and not held._parameters:
                parent._modules[last] = layer
                layers[node.name] = path
    return layers


def _layer(node: Node, uses: dict[Ref, int], slots: dict[str, Slot], values: dict) -> tuple[str, nn.Module | None]:
    """(path, layer) of a node that can be a layer of torch's: its tensors are `path.weight` and so on, and read by it alone."""
    none = ("", None)
    if node.op not in (*CONVOLUTIONS, TRANSPOSED, "linear", "batch_norm") or node.kwargs:
        return none
    tensors = (
        [each for each in node.args[1:5] if isinstance(each, Ref)]
        if node.op == "batch_norm"
        else [each for each in node.args[1:3] if each is not None]
    )
    names = [each.name for each in tensors if isinstance(each, Ref) and each.tensor and uses[each] == 1]
    wanted = ("weight", "bias", "running_mean", "running_var")
    path = names[0].rpartition(".")[0] if names else ""
    roles = {slots[name].role for name in names} - {STATISTIC}
    if (
        not path
        or len(names) < len(tensors)
        or roles - {PARAMETER}
        or any(name not in (f"{path}.{word}" for word in wanted) for name in names)
    ):
        return none
    if not (isinstance(node.args[0], Ref)):
        return none
    bias = f"{path}.bias" in names
    if node.op == "batch_norm":
        affine, eps = node.args[1] is not None, node.args[7] if len(node.args) > 7 else 1e-5
        if (affine and not bias) or prefix(node) != path:
            return none
        norm = NORMS[values[node.name].dim()]
        return path, norm(slots[f"{path}.running_mean"].count, eps=eps, affine=affine, track_running_stats=False)
    shape = slots[f"{path}.weight"].shape
    if node.op == "linear":
        return path, nn.Linear(shape[1], shape[0], bias)
    defaults = TRANSPOSED_DEFAULTS if node.op == TRANSPOSED else DEFAULTS
    options: dict[str, Any] = defaults | dict(
        zip(defaults, (each[0] if isinstance(each, tuple) and len(each) == 1 else each for each in node.args[3:]))
    )
    groups = options["groups"]
    if node.op == TRANSPOSED:
        return path, nn.ConvTranspose2d(shape[0], shape[1] * groups, (shape[2], shape[3]), bias=bias, **options)
    return path, CONVOLUTIONS[node.op](shape[1] * groups, shape[0], shape[2:], bias=bias, **options)


def _holder(net: nn.Module, name: str, make: bool = False) -> tuple[nn.Module, str]:
    """(the module that a tensor or layer is in, the last part of its name)."""
    *parts, last = name.split(".")
    for part in parts:
        if part not in net._modules and make:
            net.add_module(part, nn.Module())
        net = _part(net, part)
    return net, last


def _part(net: nn.Module, name: str) -> nn.Module:
    """A module's part of that name, which it has; without the checks of `get_submodule`, for a forward pass asks it."""
    found = net._modules[name]
    assert found is not None, f"{name} is empty"
    return found


def check_name(net: nn.Module, name: str) -> None:
    """Raises InvalidValue for names that would hide what a module is made of."""
    if taken := [
        part for part in name.split(".") if hasattr(nn.Module, part) or part in net.__dict__ or part in ("folded", "graph", "constants")
    ]:
        raise InvalidValue(f"The tensor {name!r} cannot be named so: {taken[0]!r} means something else in a module. Rename that part.")


@torch.no_grad()
def draw(parameter: Tensor, slot: Slot, constants: Mapping[str, Tensor]) -> None:
    """A parameter's random start, from torch's generator."""
    if parameter.is_meta:
        return
    kind, *figures = slot.start or (
        "uniform",
        *(sign / math.sqrt(max(1, slot.count // slot.shape[0] if slot.shape else 1)) for sign in (-1, 1)),
    )
    if kind == "constant":
        parameter.fill_(figures[0])
    elif kind == "uniform":
        parameter.uniform_(*figures)
    elif kind == "normal":
        parameter.normal_(*figures)
    else:
        parameter.copy_(constants[slot.name])
