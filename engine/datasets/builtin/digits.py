"""Digits: scikit-learn's 1 797 real 8x8 images, in a fixed stratified split. The test split only ever measures."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from .. import Images
from ..preprocessing import Preprocessing

TITLE, SOURCE = "Digits (8x8)", "scikit-learn"
SPLIT_SEED = 0
SPLIT = Path(__file__).with_name("digits_split.npy")  # as scikit-learn drew it from that seed: rows of train, val and test
WHITE = 16  # of scikit-learn's pixels
PREPROCESSING = Preprocessing((0.5,), (0.5,))  # -1..1
VAL, TEST = 360, 360


@cache
def arrays() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """split -> (images [B, 8, 8] in 0..16, labels [B]); train 1 077, val 360, test 360. Reads scikit-learn's file without importing
    scikit-learn, which takes longer than all else of Home's first figure."""
    spec = find_spec("sklearn")
    assert spec and spec.submodule_search_locations, "scikit-learn is a requirement"
    table = np.loadtxt(Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz"), delimiter=",")
    images, labels = table[:, :-1].reshape(-1, 8, 8).astype(np.float32), table[:, -1].astype(np.int64)
    parts = np.split(np.load(SPLIT), [len(labels) - VAL - TEST, len(labels) - TEST])
    return {name: (images[index], labels[index]) for name, index in zip(("train", "val", "test"), parts)}


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
