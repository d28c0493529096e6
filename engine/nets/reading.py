"""One reader for every file of weights: import, place, the pages. A process of its own with limits opens the file; what comes
out of it are floats in float32, under the names that they have there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..core.boundary import untrusted
from ..core.errors import InvalidValue
from ..core.limits import Limits, limited
from .sniffing import AGAIN, form_of_file

BYTES_LIMIT = 2 << 30
ROOM = 5 << 30  # bytes of address space, besides eight times the file's own size
SECONDS = 120  # of processor time, and of the clock
DEPTH = 8  # of dicts in dicts
COUNT = 100_000  # tensors
ACCURACIES = (
    "test_acc",
    "test_accuracy",
    "best_prec1",
    "best_acc1",
    "best_acc",
    "best_accuracy",
    "prec1",
    "acc1",
    "acc",
    "accuracy",
    "top1",
)  # as checkpoints call it
NUMBERS = "biufc"  # kinds of NumPy's dtypes; a name or a date beside the weights does no harm
FORBIDDEN = re.compile(r"GLOBAL ([\w.<>]+)|class ([\w.]+)|got <class '([\w.]+)'>")


@dataclass(frozen=True)
class Checkpoint:
    """What a file of weights holds, flat: a dict in a dict is a prefix of the names, as a module in a module is.

    `arrays` are float32 where the file has floats of any width, and as they are where it has integers; `odd` maps the name of
    every tensor that is not of floats to what it is ("int64", "sparse float32"): those of no use at all are empty arrays.
    """

    name: str
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    accuracy: float | None = None  # that the file states beside its weights, 0..1


def read_checkpoint(path: Path, name: str = "") -> Checkpoint:
    """The tensors of a .safetensors, .npz or torch file; what it is is told from its content. `name`: what to call it.

    A file made to harm can end the process that reads it, and nothing else. Raises InvalidValue.
    """
    name = name or path.name
    if not path.is_file():
        raise InvalidValue(f"There is no file {path}. {AGAIN}")
    size = path.stat().st_size
    if size > BYTES_LIMIT:
        raise InvalidValue(f"{name} is over {BYTES_LIMIT >> 20} MiB. Save the state dict alone.")
    limits = Limits(memory=ROOM + 8 * size, cpu=SECONDS, wall=2 * SECONDS, output=8 * BYTES_LIMIT)
    said, arrays = limited(f"{__name__}:unpack", {"path": str(path.resolve()), "name": name}, name, limits)
    return Checkpoint(name, arrays, **said)


def unpack(path: str, name: str) -> tuple[dict, dict[str, np.ndarray]]:
    """What the throw-away process does: ({"odd", "accuracy"}, `arrays`) of a Checkpoint. Raises InvalidValue."""
    form = form_of_file(Path(path), name)
    with untrusted(f"{name}, a checkpoint,", InvalidValue, "It is cut off or damaged: download or save it again."):
        held = {"safetensors": _safetensors, "torch": _torch, "npz": _npz}[form](path, name)
        found, odd = {}, {}
        for key, tensor in flat(held, name).items():
            key = key.encode(errors="backslashreplace").decode()  # a half of a surrogate pair cannot be passed on
            found[key], strange = as_floats(tensor)
            if strange:
                odd[key] = strange
        return {"odd": odd, "accuracy": stated(held)}, found


def stated(held: object) -> float | None:
    """The accuracy in 0..1 that a training checkpoint states beside its weights; above 1 it is meant in percent."""
    if not isinstance(held, dict):
        return None
    for key in ACCURACIES:
        value: Any = held.get(key)
        value = value.item() if getattr(value, "shape", None) == () and not getattr(value, "is_meta", False) else value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 100:
            return value / 100 if value > 1 else float(value)
    return None


def _safetensors(path: str, name: str) -> dict:
    from safetensors.torch import load_file

    return load_file(path)


def _npz(path: str, name: str) -> dict:
    import torch

    with np.load(path) as file:
        held = {key: file[key] for key in file.files}
    return {key: torch.from_numpy(native(array)) for key, array in held.items() if array.dtype.kind in NUMBERS}


def native(array: np.ndarray) -> np.ndarray:
    """Numbers as this machine and torch have them: the bytes in its own order, floats of at most 64 bits."""
    dtype = np.dtype(np.float64) if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array.dtype.newbyteorder("=")
    return array.astype(dtype, copy=False)


def _torch(path: str, name: str) -> dict:
    """What a torch file holds, without running anything of it. Raises InvalidValue."""
    with open(path, "rb") as file:  # by its path torch would go by its suffix
        try:
            return load(file)
        except Exception as error:
            words = str(error)
            found = FORBIDDEN.search(words)
            if "weights_only" not in words and "WeightsUnpickler" not in words or not found:
                raise
            what = next(filter(None, found.groups()))
            article = "an" if what[0].lower() in "aeiou" else "a"
            raise InvalidValue(
                f"{name} holds {article} {what}, and a file that holds more than weights is not read. Save the state dict alone: "
                "torch.save(model.state_dict(), path)."
            ) from error


def load(file: IO[bytes]) -> dict:
    """torch's own reader, of weights alone."""
    import torch

    with torch.serialization.safe_globals(harmless()):
        return torch.load(file, map_location="cpu", weights_only=True)


def harmless() -> list:
    """What files may hold apart from tensors: NumPy's scalars and arrays (a best accuracy, a mean), under their old and new names."""
    multiarray = import_module("numpy._core.multiarray")
    named = [
        (getattr(multiarray, what), f"numpy.{room}.multiarray.{what}") for room in ("core", "_core") for what in ("scalar", "_reconstruct")
    ]
    dtypes = [type(np.dtype(code)) for code in "?bBhHiIlLqQefdUS"]
    return [*named, np.ndarray, np.dtype, *dtypes]


def flat(held: object, name: str) -> dict:
    """Name -> tensor of all that lies in dicts whose keys are names, whatever those are called. Raises InvalidValue where there is
    none."""
    import torch

    found, seen, rest = {}, set(), [("", held, 0)]
    while rest:
        prefix, part, depth = rest.pop()
        if isinstance(part, torch.Tensor):
            found[prefix] = part
        elif isinstance(part, dict) and id(part) not in seen and depth < DEPTH:
            seen.add(id(part))
            named = [(key, each) for key, each in part.items() if isinstance(key, str) and key]
            rest += [(f"{prefix}.{key}" if prefix else key, each, depth + 1) for key, each in reversed(named)]
        if len(found) > COUNT:
            raise InvalidValue(f"{name} holds more than {COUNT} tensors. {AGAIN}")
    if "" in found or not found:
        raise InvalidValue(f"{name} holds no state dict: names and tensors. {AGAIN}")
    return found


def as_floats(tensor) -> tuple[np.ndarray, str]:
    """(float32 of floats of any width, "") or (integers as they are, their dtype), or (nothing, what it is)."""
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach()
    if tensor.is_meta or tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
        kind = "empty (meta)" if tensor.is_meta else "quantised" if tensor.is_quantized else "nested" if tensor.is_nested else "sparse"
        return np.zeros(0, np.int8), f"{kind} {dtype}"
    tensor = tensor.resolve_conj().resolve_neg()
    if tensor.is_floating_point():
        return tensor.to(torch.float32).contiguous().numpy(), ""
    if tensor.dtype in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
        return tensor.contiguous().numpy(), dtype
    return np.zeros(0, np.int8), dtype
