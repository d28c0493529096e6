"""A network as an exported program of torch (.pt2): `torch.export.load(path).module()` runs it."""

from __future__ import annotations

import io

import torch

from ....archs.graph.capture import exported
from ..outgoing import Outgoing

SUFFIX = ".pt2"
WORDS = "A program of torch.export"


def files(net: Outgoing) -> dict[str, bytes]:
    written = io.BytesIO()
    torch.export.save(exported(net.module, net.arch.input_shape), written)
    return {"model.pt2": written.getvalue()}
