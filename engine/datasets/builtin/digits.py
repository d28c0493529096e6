"""Digits: scikit-learn's 1 797 real 8x8 images, in a fixed stratified split. The test split only ever measures."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from .. import Images
from ..preprocessing import Preprocessing

TITLE, SOURCE = "Digits (8x8)", "scikit-learn"
SPLIT_SEED = 0
WHITE = 16  # of scikit-learn's pixels
PREPROCESSING = Preprocessing((0.5,), (0.5,))  # -1..1
VAL, TEST = 360, 360


@cache
def arrays() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """split -> (images [B, 8, 8] in 0..16, labels [B]); train 1 077, val 360, test 360."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32)
    rest, test = train_test_split(np.arange(len(labels)), test_size=TEST, stratify=labels, random_state=SPLIT_SEED)
    train, val = train_test_split(rest, test_size=VAL, stratify=labels[rest], random_state=SPLIT_SEED)
    labels = np.asarray(labels)
    return {name: (images[index], labels[index]) for name, index in (("train", train), ("val", val), ("test", test))}


def load(device: str = "cpu") -> Images:
    """Images as PREPROCESSING says."""
    parts, (mean,), (std,) = arrays(), PREPROCESSING.mean, PREPROCESSING.std
    low, high = PREPROCESSING.ends
    return Images(
        name="digits",
        title=TITLE,
        classes=tuple("0123456789"),
        images={split: ((torch.from_numpy(x)[:, None] / WHITE - mean) / std).to(device) for split, (x, _) in parts.items()},
        labels={split: torch.from_numpy(y).long().to(device) for split, (_, y) in parts.items()},
        low=low,
        high=high,
        preprocessing=PREPROCESSING,
    )
