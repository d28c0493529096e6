"""What a space of shapes gives for shapes that it was not trained on, beside the nearest training shape and the mean training network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..task import Yardstick
from .networks import insides, ious, layers_of

IOU, WHOLE = 0.75, 0.9  # what counts as learnt


def measured(space: Any) -> list[Yardstick]:
    """The figures of a space, as its manifest has them, beside those of the mean network, measured now."""
    held_H, metrics = np.flatnonzero(space.table["split"] == "test"), space.manifest.metrics
    own_HM = insides(layers_of(space.parameters_NP[held_H], space.arch))
    mean_1M = insides(layers_of(space.parameters_NP[space.trained].mean(0, keepdim=True), space.arch))
    mean = float(ious(mean_1M.expand_as(own_HM), own_HM).nan_to_num(0).mean()) if len(held_H) else None

    def figure(name: str, words: str, key: str, **more: Any) -> Yardstick:
        entry = metrics.get(key, {})
        return Yardstick(name, words, entry.get("value"), entry.get("n") or 0, **more)

    beside: dict[str, Any] = {"nearest": metrics.get("nearest_iou_mean", {}).get("value"), "mean": mean}
    seen = metrics.get("predicted_iou_mean", {}).get("value")
    return [
        figure("encoded_iou", "IoU by the encoder", "heldout_encoded_iou_mean", **beside, goal=IOU, seen=seen),
        figure("iou", "IoU, placed", "heldout_iou_mean", **beside, goal=IOU, seen=seen),
        figure("path_whole", "shapes in one piece between two", "path_whole_share", goal=WHOLE),
    ]


