"""An architecture as data: the graph of a network's forward pass, and its strict JSON form.

A graph names its tensors (parameters by the names that the user's module gave them, statistics of batch norms, constants) and its
nodes in the order in which they run; each node is an operation of `ops.ALLOWED` on what came before it. A file of it may come from
anybody: whatever is wrong with it is refused by name here or in `shapes.py`, before any tensor of its sizes exists.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ...core.errors import InvalidValue

T = TypeVar("T")

FORMAT = 1
INPUT = "input"  # the name under which nodes read the network's input
PARAMETER, STATISTIC, CONSTANT = "parameter", "statistic", "constant"
ROLES = (PARAMETER, STATISTIC, CONSTANT)
STARTS = {"constant": 1, "uniform": 2, "normal": 2, "given": 0}  # how a tensor starts: the number of figures each takes
NAME = re.compile(r"[A-Za-z0-9_]{1,80}(\.[A-Za-z0-9_]{1,80}){0,15}")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
TENSORS, NODES, ARGUMENTS, ITEMS, DIMS = 8192, 8192, 24, 256, 6
LARGEST = 1 << 31  # of an integer argument
PARAMETERS = 1 << 28  # of a network
SIDE = 1 << 24  # of one dimension


@dataclass(frozen=True)
class Ref:
    """What an argument reads: the result of a node (or INPUT), or with `tensor` one of the graph's tensors."""

    name: str
    tensor: bool = False


Argument = Ref | int | float | bool | str | None | tuple["Argument", ...]


@dataclass(frozen=True)
class Slot:
    """A tensor that the graph reads. `start` is how a parameter is drawn before training, such as ("uniform", -0.1, 0.1)."""

    name: str
    shape: tuple[int, ...]
    role: str = PARAMETER
    start: tuple = ()

    @property
    def count(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Node:
    """One step: `name` becomes what `op` gives for `args` and `kwargs`."""

    name: str
    op: str
    args: tuple[Argument, ...] = ()
    kwargs: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def reads(self) -> Iterator[Ref]:
        """Everything that it refers to, as often as it does."""
        return refs((self.args, tuple(self.kwargs.values())))

    def with_refs(self, change) -> Node:
        """The same node with each reference replaced by `change(ref)`."""
        kwargs = {key: mapped(value, change) for key, value in self.kwargs.items()}
        return replace(self, args=mapped(self.args, change), kwargs=kwargs)


@dataclass(frozen=True)
class Graph:
    """A network without its weights. `input_shape` is that of one input, without the batch."""

    input_shape: tuple[int, ...]
    slots: tuple[Slot, ...]
    nodes: tuple[Node, ...]
    output: str

    @property
    def slot(self) -> dict[str, Slot]:
        return {each.name: each for each in self.slots}

    @property
    def parameters(self) -> int:
        """Numbers in its parameters."""
        return sum(slot.count for slot in self.slots if slot.role == PARAMETER)

    def uses(self) -> dict[Ref, int]:
        """How often each value is read; being the output is once more."""
        found = {Ref(self.output): 1}
        for node in self.nodes:
            for ref in node.reads:
                found[ref] = found.get(ref, 0) + 1
        return found


def refs(value) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from refs(each)


def mapped(value, change):
    if isinstance(value, Ref):
        return change(value)
    return tuple(mapped(each, change) for each in value) if isinstance(value, tuple) else value


# JSON: {"format": 1, "input": [1, 8, 8], "tensors": [["conv.weight", [8, 1, 3, 3], "parameter", ["uniform", -0.3, 0.3]], ...],
#        "nodes": [["conv2d", "conv2d", [{"node": "input"}, {"tensor": "conv.weight"}, null, [1, 1]], {}], ...], "output": "linear"}


def to_json(graph: Graph) -> dict:
    """The graph as plain lists, dicts, numbers and text."""
    nodes = [[node.name, node.op, _plain(node.args), {key: _plain(each) for key, each in node.kwargs.items()}] for node in graph.nodes]
    return {
        "format": FORMAT,
        "input": list(graph.input_shape),
        "tensors": [[slot.name, list(slot.shape), slot.role, list(slot.start)] for slot in graph.slots],
        "nodes": nodes,
        "output": graph.output,
    }  # fmt: skip


def _plain(value: Argument):
    if isinstance(value, Ref):
        return {"tensor" if value.tensor else "node": value.name}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def of_json(value: object) -> Graph:
    """The graph that parsed JSON describes, its form checked: names, references, numbers. What its operations make of their arguments,
    `shapes.check` looks at. Raises InvalidValue that names what is wrong."""
    fields = _of(value, dict, "The graph is not a JSON object")
    if unknown := fields.keys() ^ {"format", "input", "tensors", "nodes", "output"}:
        raise InvalidValue(f"The graph has missing or unexpected fields: {', '.join(sorted(str(each)[:40] for each in unknown)[:5])}.")
    if type(fields["format"]) is not int or fields["format"] != FORMAT:
        raise InvalidValue(f"The graph has format {str(fields['format'])[:20]}, and format {FORMAT} is read here.")
    slots = tuple(_slot(each) for each in _list(fields["tensors"], TENSORS, "tensors"))
    names = {slot.name for slot in slots}
    if len(names) < len(slots):
        raise InvalidValue("Two tensors of the graph have the same name.")
    if (total := sum(slot.count for slot in slots)) > PARAMETERS:
        raise InvalidValue(f"The graph has {total} numbers in its tensors; at most {PARAMETERS} are allowed.")
    known, nodes = {INPUT}, []
    for each in _list(fields["nodes"], NODES, "nodes"):
        nodes.append(_node(each, known, names))
        known.add(nodes[-1].name)
    output = fields["output"]
    if not isinstance(output, str) or output not in known:
        raise InvalidValue(f"The graph's output {str(output)[:40]!r} is not one of its nodes.")
    return Graph(_shape(fields["input"], "The input"), slots, tuple(nodes), output)


def _of(value: object, kind: type[T], problem: str) -> T:
    if not isinstance(value, kind):
        raise InvalidValue(f"{problem}.")
    return value


def _list(value: object, most: int, what: str) -> list:
    found = _of(value, list, f"The graph's {what} are not a list")
    if len(found) > most:
        raise InvalidValue(f"The graph has {len(found)} {what}; at most {most} are allowed.")
    return found


def _shape(value: object, what: str) -> tuple[int, ...]:
    shape = _of(value, list, f"{what} has no shape")
    if len(shape) > DIMS or any(type(side) is not int or not 0 < side <= SIDE for side in shape):
        raise InvalidValue(f"{what} has the shape {str(shape)[:60]}: at most {DIMS} sizes from 1 to {SIDE} are allowed.")
    return tuple(shape)


def _slot(value: object) -> Slot:
    if not isinstance(value, list) or len(value) != 4:
        raise InvalidValue(f"A tensor of the graph is not [name, shape, role, start] but {str(value)[:60]}.")
    name, shape, role, start = value
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidValue(f"{str(name)[:60]!r} is not the name of a tensor.")
    if role not in ROLES:
        raise InvalidValue(f"{name} is {str(role)[:40]!r}, which is not one of {', '.join(ROLES)}.")
    return Slot(name, _shape(shape, name), role, _start(start, name))


def _start(value: object, name: str) -> tuple:
    if value == []:
        return ()
    given: list[Any] = value if isinstance(value, list) else [None]
    kind, *figures = given
    right = isinstance(kind, str) and STARTS.get(kind) == len(figures)
    if not right or any(type(each) not in (int, float) or not math.isfinite(each) for each in figures):
        raise InvalidValue(f"{name} starts as {str(value)[:60]}; known are {', '.join(STARTS)}.")
    return (kind, *figures)


def _node(value: object, known: set[str], tensors: set[str]) -> Node:
    if not isinstance(value, list) or len(value) != 4:
        raise InvalidValue(f"A node of the graph is not [name, op, args, kwargs] but {str(value)[:60]}.")
    name, op, args, kwargs = value
    if not isinstance(name, str) or not WORD.fullmatch(name):
        raise InvalidValue(f"{str(name)[:60]!r} is not the name of a node.")
    if name in known:
        raise InvalidValue(f"Two nodes of the graph are called {name}.")
    if not isinstance(op, str) or len(op) > 80:
        raise InvalidValue(f"{name}: {str(op)[:60]!r} is not an operation.")
    if not isinstance(args, list) or not isinstance(kwargs, dict) or len(args) + len(kwargs) > ARGUMENTS:
        raise InvalidValue(f"{name}: {op} does not have a list of at most {ARGUMENTS} arguments.")
    read = {str(key): _argument(each, name, known, tensors, 0) for key, each in kwargs.items()}
    return Node(name, op, tuple(_argument(each, name, known, tensors, 0) for each in args), read)


def _argument(value: object, node: str, known: set[str], tensors: set[str], depth: int) -> Argument:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST or isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and len(value) <= 40:
        return value
    if isinstance(value, list) and depth < 2 and len(value) <= ITEMS:
        return tuple(_argument(each, node, known, tensors, depth + 1) for each in value)
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind == "tensor" and isinstance(name, str) and name in tensors:
            return Ref(name, tensor=True)
        if kind == "node" and isinstance(name, str) and name in known:
            return Ref(name)
        raise InvalidValue(f"{node} reads {str(name)[:40]!r}, which is neither a tensor nor an earlier node: a graph has no cycles.")
    raise InvalidValue(f"{node} has an argument that is not allowed: {str(value)[:60]}.")
