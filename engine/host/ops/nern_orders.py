"""The permutation of a layer for each kind: int as float32 [F C]."""

from __future__ import annotations

import numpy as np

from ...core.errors import InvalidValue
from ...kinds.nern.permutations import KINDS
from .. import nerns as hosted
from ..host import Host
from ..nern_questions import found_of
from ..questions import Answer


def answer(host: Host, question: dict) -> Answer:
    found = found_of(host, question)
    index, layer = found.layer(question.get("layer"))
    if layer.filters * layer.channels > hosted.KERNELS_LIMIT:
        raise InvalidValue(
            f"{layer.name} has {layer.filters * layer.channels} kernels, too many to draw one by one. Choose a smaller layer."
        )
    arrays = {kind: hosted.order_of(found, index, kind).astype(np.float32) for kind in KINDS}
    return {"layer": layer.name, "filters": layer.filters, "channels": layer.channels}, arrays
