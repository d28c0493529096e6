"""What the PReps page says of a target and of what the space predicts for it. Strings; no st.*."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.netspace import kept
from engine.netspace.space import Space
from explorer.cards import percent


def likeness(space: Space, facts: pd.Series, target_P: np.ndarray, predicted_P: np.ndarray) -> str:
    """How far the two pictures differ and what both networks answer, from the figures themselves. `facts`: the table's row."""
    if facts["split"] == kept.SPLIT and np.array_equal(target_P, predicted_P):
        return "LSO found this network in the space, so target and predicted are one network: their difference is zero everywhere."
    away = float(np.linalg.norm(predicted_P - target_P) / (np.linalg.norm(target_P) or 1))
    weights = "The pictures are the same" if away == 0 else f"The weights differ by {percent(away)} of the target's norm"
    if space.is_shapes:
        return f"{weights}; the shapes overlap with an IoU of {facts['predicted_iou']:.3f}. {WHY} No figure of the paper shows this."
    on = f"{len(space.images.labels['test']):,} test images" if space.images else "test images"
    return (
        f"{weights}; on the {on}: trained {percent(facts['test_accuracy'])}, predicted by the space {percent(facts['predicted_test_accuracy'])}. "
        f"{WHY} As in Suppl. VII, figures 5 and 6 of the paper."
    )


WHY = "NetSpace is trained on what networks answer, not on their weights."
