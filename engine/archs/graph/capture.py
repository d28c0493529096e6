"""A module as a graph, through torch.export: captured, named as the user named it, and checked against the module."""

from __future__ import annotations

import contextlib
import io
import operator
import re
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind

from ...core.boundary import reason
from ...core.errors import ExplorerError, InvalidValue
from ...core.memory import check_memory, within_memory
from .form import INPUT, Argument, Ref
from .module import GraphNet
from .recording import Captured, Recorder
from .starts import starts

FLOAT = 4  # bytes
EXAMPLES, TOLERANCE = 4, 1e-4  # inputs that a graph is checked on, and by how much of the largest answer it may differ
SIZES = {
    operator.add: "size.add",
    operator.sub: "size.sub",
    operator.mul: "size.mul",
    operator.floordiv: "size.floordiv",
    operator.getitem: "getitem",
}
RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
PLACE = re.compile(r'File "([^"]+)", line (\d+), in (\w+)')


def capture(make: Callable[[], nn.Module], input_shape: tuple[int, ...], file: str = "") -> Captured:
    """The graph of what `make` builds, for inputs [B, *input_shape]. `file`: the user's, whose lines are named in errors. Raises
    InvalidValue."""
    modules = [_made(make, seed) for seed in range(3)]
    program = exported(modules[0], input_shape)
    found = of_program(program, input_shape, file)
    drawn, given = starts(found.graph, [dict(each.state_dict(keep_vars=True)) for each in modules])
    found = Captured(drawn, {**found.constants, **given}, found.tensors)
    check_equal(found, modules[0])
    return found


def _made(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            with within_memory():
                module = make()
        except ExplorerError:
            raise
        except SystemExit as error:
            raise InvalidValue("The network cannot be built: its code calls exit. Remove that call.") from error
        except Exception as error:
            raise InvalidValue(f"The network cannot be built ({reason(error)}). Give its arguments with --args name=value,...") from error
    if not isinstance(module, nn.Module):
        raise InvalidValue(f"What was built is a {type(module).__name__}, not a torch.nn.Module.")
    tensors = [*module.parameters(), *module.buffers()]
    check_memory(FLOAT * sum(tensor.numel() for tensor in tensors))  # of those without memory, too: they are to get some
    if any(tensor.is_meta for tensor in tensors):
        raise InvalidValue("The network was built on the meta device, so that its weights have no values. Build it on the CPU.")
    return module.float().eval()


def exported(module: nn.Module, input_shape: tuple[int, ...]) -> ExportedProgram:
    """The module's program for batches of any size from 2 on. Raises InvalidValue that says why there is none."""
    x = torch.randn(EXAMPLES, *input_shape, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad():
            answer = module(x)
    except Exception as error:
        raise InvalidValue(
            f"The network does not take inputs of shape {_words(input_shape)} ({reason(error)}). Choose another --input."
        ) from error
    if not isinstance(answer, Tensor):
        many = f"{len(answer)} tensors" if isinstance(answer, (tuple, list)) else f"a {type(answer).__name__}"
        raise InvalidValue(
            f"The network answers with {many}, where one tensor [B, classes] is needed. Wrap it so that it returns the logits alone."
        )
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # it prints the graph that it gave up
            return export(module, (x,), dynamic_shapes=({0: Dim("B", min=2)},))
    except Exception as error:
        text = str(error)
        if "Constraints violated" in text or "specializ" in text:
            raise InvalidValue(
                "The network fixes the size of a batch. Write x.shape[0] or flatten(x, 1) where it has a number or len(x)."
            ) from error
        if "data-dependent" in text or "GuardOnDataDependent" in type(error).__name__ or "control flow" in text:
            where = _place(text, "")
            raise InvalidValue(
                f"What the network does depends on its tensors' values (control flow{where}), which a graph cannot express."
            ) from error
        raise InvalidValue(f"torch.export cannot trace the network ({reason(error)}).") from error


def _words(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def of_program(program: ExportedProgram, input_shape: tuple[int, ...], file: str = "") -> Captured:
    """The graph of an exported program. Raises InvalidValue."""
    found = Recorder()
    for spec in program.graph_signature.input_specs:
        name, target = spec.arg.name, spec.target or ""
        if spec.kind == InputKind.USER_INPUT:
            found.known[name] = Ref(INPUT)
            continue
        held = program.state_dict[target] if target in program.state_dict else program.constants.get(target)
        if not isinstance(held, Tensor):
            raise InvalidValue(f"The network uses {target[:60]}, which is not a tensor.")
        found.hold(name, target, held, spec.kind == InputKind.PARAMETER)
    _check_known(program, file)
    for node in program.graph.nodes:
        if node.op == "call_function":
            where = _place(node.meta.get("stack_trace") or "", file)
            args = tuple(_argument(value, found, where) for value in node.args)
            kwargs = {key: _argument(value, found, where) for key, value in node.kwargs.items()}
            first = node.args[0] if node.args else None
            op = SIZES.get(node.target) or _name(node.target)
            found.add(node.name, op, args, kwargs, first.name if isinstance(first, torch.fx.Node) else "", where)
    outputs = next(node for node in program.graph.nodes if node.op == "output").args[0]
    if len(outputs) != 1:
        raise InvalidValue("The network modifies its own tensors, or returns several. It must be a function of its input.")
    return found.finished(input_shape, outputs[0].name)


def _check_known(program: ExportedProgram, file: str) -> None:
    """Raises InvalidValue where a recurrent layer is called: what it begins with (zeros) would be named otherwise."""
    for node in program.graph.nodes:
        name = _name(node.target) if node.op == "call_function" else ""
        if (word := name.partition(".")[0]) in RECURRENT:
            where = _place(node.meta.get("stack_trace") or "", file)
            raise InvalidValue(f"The operation {word!r} is not supported{where}: networks with recurrent layers cannot be added.")


def _argument(value, found: Recorder, where: str) -> Argument:
    if isinstance(value, torch.fx.Node):
        return found.known[value.name]
    if isinstance(value, (list, tuple)):
        return tuple(_argument(each, found, where) for each in value)
    if value is None or isinstance(value, (int, float, str, bool)):
        return value
    if isinstance(value, (torch.memory_format, torch.layout, torch.dtype, torch.device)):
        return None
    raise InvalidValue(f"The network computes with {str(value)[:40]}{where}, which is not supported.")


def _name(target) -> str:
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return str(target)
    overload = target._overloadname
    return target._opname if overload == "default" else f"{target._opname}.{overload}"


def _place(trace: str, file: str) -> str:
    """ " (my_net.py, line 12)" of the last frame that is in the user's file."""
    frames = PLACE.findall(trace)
    own = (
        [frame for frame in frames if file and frame[0].endswith(file)]
        or [frame for frame in frames if "/torch/" not in frame[0]]
        or frames
    )
    return f" ({own[-1][0].rpartition('/')[2]}, line {own[-1][1]})" if own else ""


@torch.no_grad()
def check_equal(found: Captured, module: nn.Module) -> None:
    """Raises InvalidValue where the graph in deployable form does not answer as the module does, or an answer depends on the others."""
    x = torch.randn(EXAMPLES, *found.graph.input_shape, generator=torch.Generator().manual_seed(1))
    expected, net = module(x), deployed(found)
    size = max(float(expected.abs().max()), 1e-6)
    if not expected.isfinite().all():
        raise InvalidValue("The network answers ordinary inputs with NaN or infinity.")
    if (gap := float((net(x) - expected).abs().max())) > TOLERANCE * size:
        raise InvalidValue(
            f"The graph of the network does not answer as the network does: off by {gap:.2g} of {size:.2g}. Please report this."
        )
    if (gap := float((module(x[:2]) - expected[:2]).abs().max())) > TOLERANCE * size:
        raise InvalidValue(f"The network's answer to one input depends on the others of its batch (by {gap:.2g} of {size:.2g}).")


def deployed(found: Captured) -> GraphNet:
    """The captured network in deployable form, its own weights in it."""
    from .folding import fold, fold_tensors

    net = GraphNet(found.graph, found.constants)
    net.load_state_dict(fold_tensors(fold(found.graph), {**found.constants, **found.tensors}), strict=False)
    return net.eval()
