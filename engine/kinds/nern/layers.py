"""What a NeRN does with each layer of its original: predicts its kernels, or keeps it as it is, and why. Adds up to all parameters."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields

from torch import nn

from .original import CONVOLUTIONS, Convolution, Original

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
WORDS = {nn.Linear: "linear", **dict.fromkeys(NORMS, "norm")}


@dataclass(frozen=True)
class Row:
    """A layer. `kernel` is the size of its kernels ("3 x 3"), "" where it has none; `predicted` and `kept` count numbers."""

    layer: str
    what: str
    kernel: str
    kernels: int
    predicted: int
    kept: int
    why: str  # something of it is kept; "" where nothing is


def layer_table(original: Original) -> list[Row]:
    """A row for each module that holds parameters, in the order of the network."""
    predicted = {layer.name: layer for layer in original.layers}
    held: dict[str, dict[str, int]] = {}
    for name, tensor in original.module.named_parameters():
        path, _, last = name.rpartition(".")
        held.setdefault(path, {})[last] = tensor.numel()
    rows = []
    for path, counts in held.items():
        part, layer, total = original.module.get_submodule(path), predicted.get(path), sum(counts.values())
        name = path or "(the network itself)"
        if layer is not None and isinstance(part, CONVOLUTIONS):
            numbers = math.prod(layer.dims)
            why = "biases are kept" if total > numbers else ""
            rows.append(Row(name, kind_of(part), kernel_of(part), layer.stop - layer.start, numbers, total - numbers, why))
        elif isinstance(part, CONVOLUTIONS):
            kernels = part.weight.shape[0] * part.weight.shape[1]
            rows.append(Row(name, kind_of(part), kernel_of(part), kernels, 0, total, "skipped: skip names it"))
        else:
            what = WORDS.get(type(part), "parameters")
            shared = what == "parameters" and any(tensor.dim() > 2 for tensor in part.parameters(recurse=False))
            rows.append(Row(name, what, "", 0, 0, total, "no layer of its own reads it" if shared else "no kernels"))
    return rows


def kind_of(conv: Convolution) -> str:
    """ "depthwise convolution" and so on."""
    if isinstance(conv, nn.ConvTranspose2d):
        return "transposed convolution"
    if conv.groups == 1:
        return "convolution"
    return "depthwise convolution" if conv.groups == conv.in_channels else f"convolution of {conv.groups} groups"


def kernel_of(conv: Convolution) -> str:
    return " x ".join(map(str, conv.weight.shape[2:]))


def summary(rows: list[Row]) -> str:
    """ "19 of 23 layers are predicted, 268 336 of 269 722 parameters; kept: linear.weight..." in a sentence."""
    count, predicted = sum(row.predicted > 0 for row in rows), sum(row.predicted for row in rows)
    total = predicted + sum(row.kept for row in rows)
    return f"{count} of {len(rows)} layers are predicted, {predicted:,} of {total:,} parameters; the others stay as they are"


def table(rows: list[Row]) -> str:
    """The rows as lines of text, with their sums."""
    names = [field.name for field in fields(Row)]
    total = ("all", "", "", *(f"{sum(getattr(row, name) for row in rows):,}" for name in names[3:6]), "")
    cells = [names, *([f"{each:,}" if isinstance(each, int) else each for each in astuple(row)] for row in rows), list(total)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    right = (3, 4, 5)
    return "\n".join(
        "  ".join(cell.rjust(width) if at in right else cell.ljust(width) for at, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in cells
    )
