"""Which architecture the tensors of a file are of, and its module with them in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import nn

from ..archs import Architecture, all_architectures, architecture, imported_architectures, kept, variant
from ..archs.folding import fold_batch_norm, with_running_statistics
from ..core.errors import CheckpointMismatch, InvalidValue
from .naming import Taken, few, floats, mismatch, plain_names, take
from .reading import Checkpoint

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Form:
    """One way in which an architecture's tensors are saved: its module with those names, and what makes ours of it."""

    module: Callable[[], nn.Module]
    finish: Callable[[nn.Module], nn.Module]
    shapes: Shapes


@dataclass(frozen=True)
class Fitted:
    """A file's network: `module` in evaluation mode, in the form in which its architecture is kept; `note` is what a person should
    know of how the file was read ("" where there is nothing to know)."""

    arch: Architecture
    module: nn.Module
    note: str


def with_statistics(arch: Architecture) -> nn.Module:
    """An architecture's training form, its batch norms with running statistics."""
    return with_running_statistics(arch.build(batch_norm=True)).eval()


def forms(arch: Architecture) -> tuple[Form, ...]:
    """As it is kept; and, where batch norm is folded for that, as it is trained."""
    kept = Form(lambda: arch.build().eval(), lambda module: module, _shapes(arch.id, arch.version, False))
    if _shapes(arch.id, arch.version, True) == kept.shapes:
        return (kept,)
    return kept, Form(lambda: with_statistics(arch), fold_batch_norm, _shapes(arch.id, arch.version, True))


@cache
def _shapes(id_: str, version: str, trained: bool) -> Shapes:
    arch = architecture(id_)
    with torch.device("meta"):
        module = with_statistics(arch) if trained else arch.build()
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def fit(checkpoint: Checkpoint, arch_id: str | None = None, weights: str = "") -> Fitted:
    """The network of a file: of that architecture, or of the one whose names and shapes it has. `weights`: "raw", "ema" or a name,
    where the file has several. Raises UnknownId, CheckpointMismatch, InvalidValue."""
    if not plain_names(checkpoint.arrays):
        raise InvalidValue(
            f"{checkpoint.name} holds an optimiser's state or counters, and no weights. Save the state dict: "
            "torch.save(model.state_dict(), path)."
        )
    arch = architecture(arch_id) if arch_id else recognised(checkpoint, weights)
    for form in forms(arch):
        taken = take(checkpoint, form.shapes, weights)
        if taken:
            return Fitted(arch, load(checkpoint, form, taken, f"{checkpoint.name} as {arch.id}"), taken.note)
    what = f"{checkpoint.name} does not fit {arch.id}"
    nearest = min(forms(arch), key=lambda form: len(set(plain_names(form.shapes)) ^ set(plain_names(checkpoint.arrays))))
    without = {name: shape for name, shape in nearest.shapes.items() if not name.endswith(("running_mean", "running_var"))}
    if without != nearest.shapes and take(checkpoint, without, weights):
        raise InvalidValue(
            f"{what}: its batch norms have no running statistics (running_mean, running_var), without which it is not the network. Save it "
            "with them."
        )
    raise mismatch(checkpoint, nearest.shapes, what)


def load(checkpoint: Checkpoint, form: Form, taken: Taken, what: str) -> nn.Module:
    """The module with a file's tensors. Raises InvalidValue."""
    module = form.module()
    arrays = floats(checkpoint, taken.names, what)
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}, strict=False)
    return form.finish(module).eval()


def recognised(checkpoint: Checkpoint, weights: str = "") -> Architecture:
    """The architecture whose names and shapes a file has. Raises InvalidValue where there is none, or where there are several."""
    known = [*all_architectures().values(), *imported_architectures().values(), *map(architecture, kept.ids())]
    found = fitting(checkpoint, known, weights) or fitting(checkpoint, variants(checkpoint), weights)
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidValue(f"{checkpoint.name} fits {few(arch.id for arch in found)}. Choose one with --architecture.")
    names = plain_names(checkpoint.arrays)
    near, expected = max(((arch, form.shapes) for arch in known for form in forms(arch)), key=lambda each: alike(names, each[1]))
    raise CheckpointMismatch(
        f"{checkpoint.name} fits none of the known architectures. Its first names: {few(names.values())}. The nearest is {near.id}, "
        f"which expects {few(expected)}. Name an architecture with --architecture to see what differs."
    )


def fitting(checkpoint: Checkpoint, archs: Iterable[Architecture], weights: str) -> list[Architecture]:
    """Those of some architectures that a file's tensors fit, one of each form."""
    found = {}
    for arch in archs:
        if any(take(checkpoint, form.shapes, weights) for form in forms(arch)):
            found.setdefault((*forms(arch)[0].shapes.items(),), arch)
    return list(found.values())


def variants(checkpoint: Checkpoint) -> Iterator[Architecture]:
    """Imported architectures with as many classes as one of the file's layers has outputs."""
    counts = sorted({len(array) for name, array in checkpoint.arrays.items() if name.endswith("bias") and array.ndim == 1})
    for arch in imported_architectures().values():
        yield from filter(None, (variant(arch, count) for count in counts if count != arch.classes))


def alike(names: dict[str, str], shapes: Shapes) -> float:
    """How many of the names that an architecture expects end one of a file's names, as a share of both."""
    wanted = set(plain_names(shapes))
    known = {name.split(".", depth)[-1] for name in names for depth in range(name.count(".") + 1)}
    return len(wanted & known) / (len(wanted) + len(names))
