"""Networks that come as programs, .pt2 and .onnx: read in a process of their own with limits, as every stranger's file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ...core.errors import InvalidValue
from ...core.limits import Limits, limited
from . import onnx_reading, pt2
from .folding import fold, fold_tensors
from .form import of_json, to_json
from .module import GraphNet
from .recording import Captured
from .shapes import check, check_statistics
from .starts import starts

READERS = {".pt2": pt2.read, ".onnx": onnx_reading.read}
CONSTANT, TENSOR = "constant.", "tensor."


def read_program(path: Path, shape: tuple[int, ...] | None = None) -> Captured:
    """The network of a .pt2 or .onnx file; `shape` is that of one input, for files that leave it open. Raises InvalidValue."""
    if path.suffix not in READERS:
        raise InvalidValue(f"{path.name} is none of {', '.join(READERS)}.")
    if not path.is_file():
        raise InvalidValue(f"There is no file {path}.")
    size = path.stat().st_size
    given = {"path": str(path.resolve()), "shape": shape}
    said, arrays = limited(f"{__name__}:unpack", given, path.name, Limits(memory=(4 << 30) + 8 * size))
    graph = of_json(said)
    check_statistics(graph)
    check(graph)
    held = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    tensors = {name.removeprefix(TENSOR): tensor for name, tensor in held.items() if name.startswith(TENSOR)}
    constants = {name.removeprefix(CONSTANT): tensor for name, tensor in held.items() if name.startswith(CONSTANT)}
    drawn, _ = starts(graph, [tensors])
    found = Captured(drawn, constants, tensors)
    _check(found, path.name)
    return found


def unpack(path: str, shape: list[int] | None) -> tuple[dict, dict[str, np.ndarray]]:
    """What the throw-away process does."""
    file = Path(path)
    found = READERS[file.suffix](file, file.name, None if shape is None else tuple(shape))
    arrays = {f"{CONSTANT}{name}": tensor.numpy() for name, tensor in found.constants.items()}
    return to_json(found.graph), arrays | {f"{TENSOR}{name}": tensor.numpy() for name, tensor in found.tensors.items()}


@torch.no_grad()
def _check(found: Captured, name: str) -> None:
    """That the folded network answers with finite numbers. Raises InvalidValue."""
    net = GraphNet(found.graph, found.constants)
    net.load_state_dict(fold_tensors(fold(found.graph), {**found.constants, **found.tensors}), strict=False)
    x = torch.randn(4, *found.graph.input_shape, generator=torch.Generator().manual_seed(0))
    if not net.eval()(x).isfinite().all():
        raise InvalidValue(f"{name} answers ordinary inputs with NaN or infinity.")
