"""Cosine similarity of the embeddings of (0, 0, c) to that of (0, 0, at) (NeRN, fig. 8), float32 [count]."""

from __future__ import annotations

import numpy as np

from ...core.errors import InvalidValue
from ...kinds.nern.coordinates import similarity
from ..host import Host
from ..questions import Answer

LEVELS_LIMIT, POINTS_LIMIT = 256, 512


def answer(host: Host, question: dict) -> Answer:
    base, levels, count, at = (question.get(name, default) for name, default in (("base", 0.76), ("levels", 40), ("count", 64), ("at", 31)))
    if isinstance(base, bool) or not isinstance(base, int | float) or not 0.01 <= base <= 4:
        raise InvalidValue(f"base must be a number from 0.01 to 4; got {str(base)[:40]!r}.")
    for name, value, low, high in (("levels", levels, 1, LEVELS_LIMIT), ("count", count, 1, POINTS_LIMIT), ("at", at, 0, POINTS_LIMIT)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidValue(f"{name} must be a whole number from {low} to {high}; got {str(value)[:40]!r}.")
    if at >= count:
        raise InvalidValue(f"at must be below count ({count}); got {at}.")
    return {"base": base, "levels": levels, "at": at}, {"similarity": similarity(base, levels, at, count).numpy().astype(np.float32)}
