"""A network as its safetensors file: its tensors by their names, and in the metadata what it is and what its input is."""

from __future__ import annotations

from ..outgoing import Outgoing

SUFFIX = ".safetensors"
WORDS = "Tensors, described in the header"


def files(net: Outgoing) -> dict[str, bytes]:
    return {"model.safetensors": net.data}
