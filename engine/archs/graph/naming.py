"""Names of a graph's tensors, for files whose names say nothing of layers: a layer's are `path.weight`, `path.bias` and so on, as torch
names them, so that it becomes a layer here too (whose norm folds, and whose kernels a NeRN can give)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from .form import Node, Ref
from .recording import Recorder

TOLD = re.compile(r"[._]*(?:weights?|kernel|filters?|w|(?:running_|moving_)?mean)(?:[._]*\d+)?$", re.IGNORECASE)  # ends of a weight's name
LAYERS = {op: ("weight", "bias") for op in ("conv1d", "conv2d", "conv_transpose2d.input", "linear")}
NORM = ("weight", "bias", "running_mean", "running_var")


def clash(name: str, others: Iterable[str]) -> bool:
    """Whether a tensor of that name is one of the others, lies in one, or one lies in it."""
    return any(name == each or name.startswith(f"{each}.") or each.startswith(f"{name}.") for each in others)


def name_layers(found: Recorder) -> None:
    """Renames the tensors of layers that share none with anything else."""
    uses: dict[str, int] = {}
    for node in found.nodes:
        for ref in node.reads:
            if ref.tensor:
                uses[ref.name] = uses.get(ref.name, 0) + 1
    renamed: dict[str, str] = {}
    for node in found.nodes:
        own = _own(node)
        if not own or any(uses[name] > 1 for name in own):
            continue
        others = {renamed.get(name, name) for name in found.slots} - set(own)
        renamed |= {name: f"{_path(own, others)}.{word}" for name, word in own.items()}

    def now(ref: Ref) -> Ref:
        return Ref(renamed.get(ref.name, ref.name), tensor=True) if ref.tensor else ref

    found.nodes = [node.with_refs(now) for node in found.nodes]
    slots = [replace(slot, name=renamed.get(slot.name, slot.name)) for slot in found.slots.values()]
    found.slots = {slot.name: slot for slot in slots}
    found.tensors = {renamed.get(name, name): tensor for name, tensor in found.tensors.items()}
    found.constants = {renamed.get(name, name): tensor for name, tensor in found.constants.items()}


def _own(node: Node) -> dict[str, str]:
    """The tensors of a layer, each with what torch calls it there; none where they are not plain tensors, or are called so already."""
    words = NORM if node.op == "batch_norm" else LAYERS.get(node.op, ())
    held = [(each.name, word) for each, word in zip(node.args[1:], words) if isinstance(each, Ref) and each.tensor]
    given = sum(each is not None for each in node.args[1 : 1 + len(words)])
    paths = {name.rpartition(".")[::2] for name, _ in held}
    named = len({path for path, _ in paths}) == 1 and all(name.endswith(f".{word}") for name, word in held)
    return {} if named or len(held) < given or len(dict(held)) < len(held) else dict(held)


def _path(own: dict[str, str], others: set[str]) -> str:
    told = next((name for name, word in own.items() if word in ("running_mean", "weight")), "")
    told = next((name for name, word in own.items() if word == "running_mean"), told)
    path, number = TOLD.sub("", told) or "layer", 1
    plain = path.replace(".", "_")
    while clash(path, others):
        number += 1
        path = f"{plain}_{number}"
    return path
