"""Networks aligned to each other: the order (and, where all is odd, the signs) of hidden channels in which B is most like A.

Weight matching is algorithm 1 of Git Re-Basin (Ainsworth et al., ICLR 2023): coordinate descent over groups of channels, a linear
assignment each. Activation matching compares what channels answer on the same inputs instead.
Legend: G channels of a group, X all other entries of a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.fx.node import map_arg

from .ties import Place, Probe, Tied, Ties

PASSES = 50  # over all groups, at most: a descent ends long before
STARTS = 3  # descents from random orders beside the two that begin at the input and at B as it is

Params = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Matching:
    """For each group, which channel of B comes where: new channel i is `signs[i]` times B's channel `orders[i]`."""

    orders: tuple[np.ndarray, ...]
    signs: tuple[np.ndarray, ...]


def identity(ties: Ties) -> Matching:
    """B as it is."""
    return Matching(tuple(np.arange(group.size) for group in ties.groups), tuple(np.ones(group.size) for group in ties.groups))


def drawn(ties: Ties, random: np.random.Generator) -> Matching:
    """A random one of all that leave the answers as they are."""
    return Matching(
        tuple(random.permutation(group.size) for group in ties.groups),
        tuple(random.choice([-1.0, 1.0], group.size) if group.signed else np.ones(group.size) for group in ties.groups),
    )


def applied(ties: Ties, matching: Matching, parameters: Params) -> dict[str, np.ndarray]:
    """A network's parameters (and buffers) in another order of channels: it answers as before."""
    found = {name: np.array(array) for name, array in parameters.items()}
    for group, order, sign in zip(ties.groups, matching.orders, matching.signs):
        for place in group.places:
            permute(found, place, group.size, order, sign)
    return found


def permute(parameters: dict[str, np.ndarray], place: Place, size: int, order: np.ndarray, sign: np.ndarray) -> None:
    rows = parameters[place.name][place.start : place.stop] if parameters[place.name].ndim else parameters[place.name]
    along = np.moveaxis(rows, place.axis, 0)[place.first : place.first + size * place.inner]
    entries = (order[:, None] * place.inner + np.arange(place.inner)).ravel()
    flipped = np.repeat(sign, place.inner).reshape(-1, *[1] * (along.ndim - 1))
    along[:] = along[entries] * flipped.astype(along.dtype)


def channels(parameters: Params, place: Place, size: int) -> np.ndarray:
    """What a place of a group holds, a row a channel [G, X]."""
    rows = parameters[place.name][place.start : place.stop]
    along = np.moveaxis(rows, place.axis, 0)[place.first : place.first + size * place.inner]
    return along.reshape(size, -1).astype(np.float64)


def likeness(a: Params, b: Params, group: Tied, places: Sequence[Place]) -> np.ndarray:
    """Inner products [G, G] of A's channels with B's."""
    found = np.zeros((group.size, group.size))
    for place in places:
        found += channels(a, place, group.size) @ channels(b, place, group.size).T
    return found


def assigned(likeness_GG: np.ndarray, signed: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """(order, signs, what it gains over the order as it is) of the best assignment."""
    from scipy.optimize import linear_sum_assignment

    gain_GG = np.abs(likeness_GG) if signed else likeness_GG
    _, order = linear_sum_assignment(gain_GG, maximize=True)
    rows = np.arange(len(order))
    sign = np.where(likeness_GG[rows, order] < 0, -1.0, 1.0) if signed else np.ones(len(order))
    return order, sign, float(gain_GG[rows, order].sum() - np.trace(likeness_GG))


def then(ties: Ties, matching: Matching, number: int, order: np.ndarray, sign: np.ndarray) -> Matching:
    """A matching, and after it another order of one group."""
    orders, signs = list(matching.orders), list(matching.signs)
    orders[number], signs[number] = orders[number][order], signs[number][order] * sign
    return Matching(tuple(orders), tuple(signs))


def match_weights(ties: Ties, a: Params, b: Params, seed: int = 0, starts: int = STARTS) -> Matching:
    """The matching of B to A by their weights: the best of several descents, by the inner product of all parameters that lie in a
    group. It is never worse than B as it is."""
    random = np.random.default_rng(seed)
    begins = [identity(ties), from_input(ties, a, b), *(drawn(ties, random) for _ in range(starts))]
    ends = [descent(ties, a, b, begin, random) for begin in begins]
    return max(ends, key=lambda end: product(ties, a, applied(ties, end, b)))


def product(ties: Ties, a: Params, b: Params) -> float:
    """Inner product of two networks over every parameter that a group touches."""
    names = {place.name for group in ties.groups for place in group.places}
    return sum(float(np.vdot(a[name].astype(np.float64), b[name].astype(np.float64))) for name in names)


def from_input(ties: Ties, a: Params, b: Params) -> Matching:
    """Groups in their order from the input, each by those parameters alone whose other axes are settled already: exact where B is A in
    another order."""
    matching, settled, now = identity(ties), set(), {name: np.array(array) for name, array in b.items()}
    touched: dict[str, set[int]] = {}
    for number, group in enumerate(ties.groups):
        for place in group.places:
            touched.setdefault(place.name, set()).add(number)
    for number, group in enumerate(ties.groups):
        places = [place for place in group.places if touched[place.name] <= settled | {number}]
        order, sign, _ = assigned(likeness(a, now, group, places or group.places), group.signed)
        matching = then(ties, matching, number, order, sign)
        for place in group.places:
            permute(now, place, group.size, order, sign)
        settled.add(number)
    return matching


def descent(ties: Ties, a: Params, b: Params, matching: Matching, random: np.random.Generator) -> Matching:
    """Git Re-Basin's coordinate descent from a matching, to where no group gains."""
    now = applied(ties, matching, b)
    for _ in range(PASSES):
        moved = False
        for number in random.permutation(len(ties.groups)):
            group = ties.groups[number]
            order, sign, gain = assigned(likeness(a, now, group, group.places), group.signed)
            if gain <= 1e-9 * max(1.0, abs(product(ties, a, now))):
                continue
            tried = {name: np.array(now[name]) for name in {place.name for place in group.places}}
            before = sum(float(np.vdot(a[name], now[name])) for name in tried)
            for place in group.places:
                permute(tried, place, group.size, order, sign)
            if sum(float(np.vdot(a[name], tried[name])) for name in tried) <= before:
                continue  # a parameter whose two axes are of one group: the assignment was an estimate
            now |= tried
            matching, moved = then(ties, matching, number, order, sign), True
        if not moved:
            break
    return matching


def match_activations(ties: Ties, a: Params, b: Params, *inputs: Tensor) -> Matching:
    """The matching of B to A by what their channels answer to the same inputs: the assignment of the highest correlations."""
    of_a, of_b = (activations(ties, parameters, *inputs) for parameters in (a, b))
    matching = identity(ties)
    for number, (group, probe) in enumerate(zip(ties.groups, ties.probes)):
        if probe is None:
            continue
        first, second = (standardised(found[number]) for found in (of_a, of_b))
        order, sign, _ = assigned(first @ second.T, group.signed)
        matching = then(ties, matching, number, order, sign)
    return matching


def standardised(rows_GX: np.ndarray) -> np.ndarray:
    centred = rows_GX - rows_GX.mean(-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    return centred / np.where(length > 0, length, 1)


@torch.no_grad()
def activations(ties: Ties, parameters: Params, *inputs: Tensor) -> list[np.ndarray]:
    """What each group's channels answer, a row a channel [G, X]; inputs a batch of the graph's size at a time."""
    batch = first_size(ties)
    parts = [chunk for chunk in zip(*(each.split(batch) for each in inputs)) if len(chunk[0]) == batch]
    assert parts, f"activations need at least {batch} inputs"
    rows = [shown(ties, parameters, *part) for part in parts]
    return [np.concatenate(found, -1) for found in zip(*rows)]


def first_size(ties: Ties) -> int:
    names = set(ties.program.graph_signature.user_inputs)
    return next(node.meta["val"].shape[0] for node in ties.program.graph.nodes if node.name in names)


def shown(ties: Ties, parameters: Params, *inputs: Tensor) -> list[np.ndarray]:
    signature, given = ties.program.graph_signature, iter(inputs)
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = {**ties.program.constants, **dict(ties.program.named_buffers())}
    values: dict[torch.fx.Node, Any] = {}
    wanted = {probe.node for probe in ties.probes if probe}
    kept: dict[str, Tensor] = {}
    for node in ties.program.graph.nodes:
        if node.op == "placeholder":
            name = names.get(node.name)
            if name is not None and name in parameters:
                values[node] = torch.from_numpy(np.ascontiguousarray(parameters[name]))
            elif name or node.name in signature.inputs_to_lifted_tensor_constants:
                values[node] = constants[name or signature.inputs_to_lifted_tensor_constants[node.name]]
            else:
                values[node] = next(given)
        elif node.op == "call_function":
            arguments, keywords = (map_arg(each, lambda one: values[one]) for each in (node.args, node.kwargs))
            values[node] = node.target(*arguments, **keywords)
        if node.name in wanted:
            kept[node.name] = values[node]
    return [
        rows_of(kept[probe.node], probe, group.size) if probe else np.zeros((group.size, 1))
        for group, probe in zip(ties.groups, ties.probes)
    ]


def rows_of(value: Tensor, probe: Probe, size: int) -> np.ndarray:
    along = value.movedim(probe.axis, 0)[probe.first : probe.first + size * probe.inner]
    return along.reshape(size, -1).double().numpy()
