"""What the PReps page says of a target and of what the space predicts for it. Strings; no st.*."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kinds.netspace import kept
from engine.kinds.netspace.space import Space
from explorer.cards import percent
from explorer.tasks import screens


def likeness(space: Space, facts: Any, target_P: np.ndarray, predicted_P: np.ndarray) -> str:
    """How far the two pictures differ and what both networks answer, from the figures themselves. `facts`: the table's row."""
    if facts["split"] in kept.FOUND and np.array_equal(target_P, predicted_P):
        return "This network was kept as the space has it, so target and predicted are one network: their difference is zero everywhere."
    away = float(np.linalg.norm(predicted_P - target_P) / (np.linalg.norm(target_P) or 1))
    weights = "The pictures are the same" if away == 0 else f"The weights differ by {percent(away)} of the target's norm"
    return f"{weights}; {screens(space.task.id).likeness(space, facts)}"
