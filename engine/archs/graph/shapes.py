"""What a graph's operations make of their arguments, worked out on the meta device: no tensor of its sizes exists meanwhile."""

from __future__ import annotations

import torch
from torch import Tensor

from ...core.errors import InvalidValue
from .form import INPUT, SIDE, STATISTIC, Argument, Graph, Node, Ref
from .ops import ALLOWED, MANY, SIZES, function, overload

PARTS = 256  # tensors that one operation may give
ELEMENTS = 1 << 28  # numbers of one result, for a batch of BATCH
BATCH = 2
EXTENT = 1 << 12  # of a kernel, stride, padding or dilation
BOUNDED = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "pad", "groups", "num_groups")
POSITIVE = ("kernel_size", "stride", "dilation", "groups", "num_groups", "output_size", "split_size", "chunks", "step")

Value = Tensor | int | list


def check(graph: Graph, batch: int = BATCH) -> dict[str, Value]:
    """Each node's result for a `batch` of inputs, as meta tensors and whole numbers: name -> value. Raises InvalidValue that names
    the first node that is wrong."""
    with torch.device("meta"), torch.no_grad():
        tensors = {slot.name: torch.empty(slot.shape) for slot in graph.slots}
        values: dict[str, Value] = {INPUT: torch.empty(batch, *graph.input_shape)}
        for node in graph.nodes:
            _check_arguments(node, tensors, values)
            values[node.name] = _run(node, tensors, values)
    answer = values[graph.output]
    if not isinstance(answer, Tensor) or answer.dim() not in (1, 2) or answer.shape[0] != batch:
        shape = f"the shape {list(answer.shape)}" if isinstance(answer, Tensor) else f"a {type(answer).__name__}"
        raise InvalidValue(f"The network answers a batch of {batch} with {shape}. It must be [{batch}, classes], one row for each input.")
    if not answer.is_floating_point():
        raise InvalidValue(f"The network answers with {answer.dtype}, where floats are needed.")
    return values


def run_node(node: Node, tensors: dict[str, Tensor], values: dict[str, Value]) -> Value:
    """One node's result, its arguments checked; on the meta device if they are. Raises InvalidValue."""
    with torch.device("meta"), torch.no_grad():
        _check_arguments(node, tensors, values)
        return _run(node, tensors, values)


def _run(node: Node, tensors: dict[str, Tensor], values: dict[str, Value]) -> Value:
    def filled(value: Argument):
        if isinstance(value, Ref):
            return tensors[value.name] if value.tensor else values[value.name]
        return [filled(each) for each in value] if isinstance(value, tuple) else value

    try:
        result = function(node.op)(*map(filled, node.args), **{key: filled(value) for key, value in node.kwargs.items()})
    except Exception as error:  # whatever torch says of arguments that do not go together
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise InvalidValue(f"{node.name}: {node.op} cannot be computed ({reason}).") from error
    parts = list(result) if isinstance(result, (list, tuple)) else [result]
    for part in parts:
        if isinstance(part, Tensor):
            if part.numel() > ELEMENTS or any(side > SIDE * 16 for side in part.shape):
                raise InvalidValue(f"{node.name}: {node.op} gives {list(part.shape)}, more than {ELEMENTS} numbers.")
            if part.numel() == 0:
                raise InvalidValue(f"{node.name}: {node.op} gives {list(part.shape)}, which is empty.")
        elif type(part) is not int or not 0 <= part <= ELEMENTS:
            raise InvalidValue(f"{node.name}: {node.op} gives {str(part)[:40]}, which is not a size.")
    return parts if isinstance(result, (list, tuple)) else result


def _check_arguments(node: Node, tensors: dict[str, Tensor], values: dict[str, Value]) -> None:
    """That each argument is of the kind that the operation declares, and within bounds."""
    if node.op not in ALLOWED:
        raise InvalidValue(f"{node.name}: the operation {node.op[:60]!r} is not one of the allowed operations.")
    if node.op in SIZES:
        return _check_size(node, values)
    declared = overload(node.op)._schema.arguments
    positional = [each for each in declared if not each.kwarg_only]
    if len(node.args) > len(positional):
        raise InvalidValue(f"{node.name}: {node.op} takes at most {len(positional)} arguments, and is given {len(node.args)}.")
    given = dict(zip((each.name for each in positional), node.args))
    if again := [key for key in node.kwargs if key in given or key not in {each.name for each in declared}]:
        raise InvalidValue(f"{node.name}: {node.op} does not take {again[0][:40]!r} there.")
    given |= node.kwargs
    for each in declared:
        if each.name not in given:
            if not each.has_default_value():
                raise InvalidValue(f"{node.name}: {node.op} lacks its argument {each.name}.")
            continue
        _check_kind(node, each.name, str(each.type), given[each.name], tensors, values)
    if node.op in MANY:
        _check_parts(node, given, values)


def _check_size(node: Node, values: dict[str, Value]) -> None:
    right = len(node.args) == 2 and not node.kwargs
    if right and node.op in ("sym_size.int", "getitem"):
        first, index = node.args
        held = values.get(first.name) if isinstance(first, Ref) and not first.tensor else None
        length = held.dim() if node.op == "sym_size.int" and isinstance(held, Tensor) else len(held) if isinstance(held, list) else 0
        right = type(index) is int and -length <= index < length
    elif right:
        numbers = [values.get(each.name) if isinstance(each, Ref) and not each.tensor else each for each in node.args]
        right = all(type(each) is int and abs(each) < SIDE * 16 for each in numbers)
        right = right and not (node.op == "size.floordiv" and numbers[1] == 0)
    if not right:
        raise InvalidValue(f"{node.name}: {node.op} has wrong arguments.")


def _check_kind(node: Node, name: str, kind: str, value: Argument, tensors: dict[str, Tensor], values: dict[str, Value]) -> None:
    """One argument against its declared kind, such as "Tensor", "Optional[Tensor]", "List[int]", "float"."""
    wrong = InvalidValue(f"{node.name}: {node.op} has a wrong {name}: {str(value)[:60]}. It takes {kind}.")
    if value is None:
        if not kind.startswith("Optional"):
            raise wrong
        return
    kind = kind.removeprefix("Optional[").removesuffix("]") if kind.startswith("Optional") else kind
    if kind.startswith("List["):
        if not isinstance(value, tuple):
            value = (value,)
        kind = kind.removeprefix("List[").removesuffix("]")
    elif isinstance(value, tuple):
        raise wrong
    for each in value if isinstance(value, tuple) else (value,):
        held = (tensors if each.tensor else values)[each.name] if isinstance(each, Ref) else each
        number = not isinstance(held, bool) and isinstance(held, int)
        fits = {
            "Tensor": isinstance(held, Tensor),
            "int": number,
            "SymInt": number,
            "float": number or isinstance(held, float),
            "bool": isinstance(held, bool),
            "str": isinstance(held, str),
        }.get(kind, number or isinstance(held, (float, bool)) and kind.startswith(("number", "Scalar")))
        if node.op in ("mul.Tensor", "add.Tensor", "sub.Tensor", "div.Tensor") and name == "other":
            fits = fits or number or isinstance(held, float)
        if not fits:
            raise wrong
        if isinstance(held, int) and number and (name in BOUNDED and abs(held) > EXTENT or name in POSITIVE and held < 1):
            raise InvalidValue(
                f"{node.name}: {node.op} has {name} {held}; it must be {'1 to ' if name in POSITIVE else 'at most '}{EXTENT}."
            )


def _check_parts(node: Node, given: dict[str, Argument], values: dict[str, Value]) -> None:
    """An operation that cuts a tensor into parts makes few of them."""
    source, cut, dim = given["self"], given[MANY[node.op]], given.get("dim", 0)
    held = values[source.name] if isinstance(source, Ref) and not source.tensor else None
    if not isinstance(held, Tensor) or type(dim) is not int or not -held.dim() <= dim < held.dim():
        raise InvalidValue(f"{node.name}: {node.op} has wrong arguments.")
    side = held.shape[dim]
    size = values[cut.name] if isinstance(cut, Ref) else cut
    if isinstance(size, int):
        parts = min(size, side) if node.op == "chunk" else -(-side // size)
    else:
        assert isinstance(size, tuple), f"{cut} is of its declared kind"
        parts = len(size)
    if parts > PARTS:
        raise InvalidValue(f"{node.name}: {node.op} makes {parts} parts; at most {PARTS} are allowed.")


def check_statistics(graph: Graph) -> None:
    """That batch norms alone read statistics, and all of them read some. Raises InvalidValue."""
    slot = graph.slot
    for node in graph.nodes:
        if node.op == "batch_norm":
            if len(node.args) < 6 or not all(
                isinstance(each, Ref) and each.tensor and slot[each.name].role == STATISTIC for each in node.args[3:5]
            ):
                raise InvalidValue(
                    f"{node.name}: a batch norm without running statistics lets each answer depend on the rest of its batch. "
                    "Use track_running_stats=True."
                )  # fmt: skip
            if node.args[5] is not False:
                raise InvalidValue(f"{node.name}: a batch norm in training mode. Call model.eval() before the network is saved.")
        elif any(ref.tensor and slot[ref.name].role == STATISTIC for ref in node.reads):
            raise InvalidValue(f"{node.name}: {node.op} reads a batch norm's statistics. That is not supported.")
