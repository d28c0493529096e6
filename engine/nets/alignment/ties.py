"""Which channels of a network can be permuted, and together with which: read off its graph, for any architecture.

torch.export gives the graph; every operation brings axes together (rules.py), parameters' axes among them. What is left is a set of
groups of channels and, for each, where it lies in the parameter tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.node import map_arg

from ...archs import Architecture, architecture
from .axes import Axis, Group, fix, fresh, resolved
from .rules import RULES, Context, Piece, Value, unknown

BATCH = 2  # inputs that a graph is taken with


@dataclass(frozen=True)
class Place:
    """Where a group lies in a parameter: entries first:first + size * inner along `axis` of rows start:stop."""

    name: str
    start: int
    stop: int
    axis: int
    first: int
    inner: int


@dataclass(frozen=True)
class Tied:
    """A group of channels: how many, whether their signs may be flipped, where they lie."""

    size: int
    signed: bool
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Probe:
    """An activation in which a group's channels can be seen: the node of the graph, the axis, the first entry."""

    node: str
    axis: int
    first: int
    inner: int


@dataclass(frozen=True)
class Ties:
    """The groups of an architecture, from its input to its output; `probes` are where activations show them, `program` is the graph."""

    groups: tuple[Tied, ...]
    probes: tuple[Probe | None, ...]
    program: torch.export.ExportedProgram


def ties(arch: Architecture, batch: int = BATCH) -> Ties:
    """Those of an architecture in deployable form, its graph taken with so many inputs; worked out once."""
    return _ties(arch.id, arch.version, batch)


@cache
def _ties(id_: str, version: str, batch: int) -> Ties:
    arch = architecture(id_)
    return ties_of(arch.build().eval(), torch.zeros(batch, *arch.input_shape))


def ties_of(module: nn.Module, *inputs: Tensor) -> Ties:
    """Those of a module in evaluation mode, whose first axis of every input is the batch. What an operation without a rule touches is
    not permuted: an alignment leaves every network's answers as they are, whatever it consists of."""
    with torch.no_grad():
        program = torch.export.export(module, tuple(inputs))
    names = {**program.graph_signature.inputs_to_parameters, **program.graph_signature.inputs_to_buffers}
    values: dict[torch.fx.Node, Any] = {}
    context, parameters, seen = Context(), {}, []
    answering: set[torch.fx.Node] = set()  # nodes that depend on the inputs
    for node in program.graph.nodes:
        shape = shapes(node)
        if node.op == "placeholder":
            name = names.get(node.name)
            axes: list[Axis] = [fresh(size) if name else None for size in shape]
            value: object = Value(shape, axes, name)
            if name:
                parameters.setdefault(name, value)
                value = Value(shape, parameters[name].axes, name)  # one parameter under two names is one
        elif node.op == "call_function":
            arguments: Any = map_arg(node.args, lambda each: values.get(each))
            keywords: Any = map_arg(node.kwargs, lambda each: values.get(each))
            value = applied(context, node, shape, arguments, keywords)
        elif node.op == "output":
            for argument in node.all_input_nodes:
                fix_all(values[argument])
            continue
        else:
            value = Value(shape, [None] * len(shape))
        values[node] = value
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs or answering & set(node.all_input_nodes):
            answering.add(node)
        if isinstance(value, Value) and node.op == "call_function" and node in answering:
            seen.append((node.name, value))
            note(value, len(seen))
    return collected(program, context, parameters, seen)


def shapes(node) -> tuple:
    """Shape of what a node gives; of several tensors a tuple of them."""
    value = node.meta.get("val")
    if isinstance(value, (list, tuple)):
        return tuple(tuple(part.shape) for part in value)
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def applied(context: Context, node, shape, arguments: Sequence, keywords: dict) -> object:
    name = getattr(node.target, "_opname", None) or getattr(node.target, "__name__", "")
    if not isinstance(node.meta.get("val"), (Tensor, list, tuple)):
        return None  # a number
    if name not in RULES:
        return unknown(shape, *arguments, *keywords.values())
    return RULES[name](context, shape, *arguments, **keywords)


def fix_all(value: object) -> None:
    for each in value if isinstance(value, list) else [value]:
        for axis in each.axes if isinstance(each, Value) else ():
            fix(axis)


def note(value: Value, number: int) -> None:
    """When a group is first seen, from the input on."""
    for axis in value.axes:
        for segment in resolved(axis):
            if segment.group.order < 0:
                segment.group.order = number


def collected(program, context: Context, parameters: dict[str, Value], seen: list[tuple[str, Value]]) -> Ties:
    """The groups that are left, with their places and an activation of each."""
    pieces = [
        piece
        for name, value in parameters.items()
        for piece in context.pieces.get(name, [Piece(name, 0, value.shape[0] if value.shape else 1, value.axes)])
    ]
    places: dict[Group, list[Place]] = {}
    for piece in pieces:
        for number, axis in enumerate(piece.axes):
            first = 0
            for segment in resolved(axis):
                if not segment.group.fixed and segment.group.size > 1:
                    found = Place(piece.name, piece.start, piece.stop, number, first, segment.inner)
                    places.setdefault(segment.group, []).append(found)
                first += segment.length
    groups = sorted((group for group in places if group.order >= 0), key=lambda group: group.order)
    probes = {}
    for name, value in seen:
        for number, axis in enumerate(value.axes):
            first = 0
            for segment in resolved(axis):
                probes.setdefault(segment.group, Probe(name, number, first, segment.inner))
                first += segment.length
    tied = tuple(Tied(group.size, group.odd, tuple(places[group])) for group in groups)
    return Ties(tied, tuple(probes.get(group) for group in groups), program)
