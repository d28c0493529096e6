"""What a network of a space answers rightly, whole splits of images at a time."""

from __future__ import annotations

import torch

from ...nets.answers import Accuracy, classes_of_one


@torch.no_grad()
def right_of(space, found, split: str = "test") -> dict:
    """Answers of a network (of `space.at`) on a split: {"value", "right", "n", "low", "high", "per_class", "architecture"}."""
    images = space.needed_images() if split == "test" else space.choosing_images()
    labels_B = images.labels[split]
    answers_B = classes_of_one(found.parameters_P, images.images[split], found.arch)
    measured = Accuracy(int((answers_B == labels_B).sum()), len(labels_B))
    each = [(name, labels_B == k) for k, name in enumerate(images.classes)]
    return {
        "value": measured.value,
        "right": measured.right,
        "n": measured.n,
        "low": measured.low,
        "high": measured.high,
        "split": split,
        "per_class": [
            {"name": name, "right": int((answers_B[mask] == labels_B[mask]).sum()), "n": int(mask.sum())} for name, mask in each
        ],
        "architecture": found.arch.id,
    }
