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
    rest, test = stratified(labels, TEST)
    train, val = (rest[index] for index in stratified(labels[rest], VAL))
    return {name: (images[index], labels[index]) for name, index in (("train", train), ("val", val), ("test", test))}


def stratified(label_B: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of (the others, `count` in the classes' shares), the same as scikit-learn's `train_test_split` draws from SPLIT_SEED."""
    random = np.random.RandomState(SPLIT_SEED)

    def shares(size_C: np.ndarray, total: int) -> np.ndarray:
        """`total` divided among the classes; what rounding leaves goes to the largest remainders, among equal ones by lot."""
        exact_C = size_C / size_C.sum() * total
        share_C = exact_C.astype(int)
        for remainder in np.unique(exact_C - share_C)[::-1]:
            if left := total - share_C.sum():
                (equal,) = np.nonzero(exact_C - exact_C.astype(int) == remainder)
                share_C[random.choice(equal, min(left, len(equal)), replace=False)] += 1
        return share_C

    size_C = np.bincount(label_B)
    others_C = shares(size_C, len(label_B) - count)
    ends_C = others_C + shares(size_C - others_C, count)
    mixed = [np.flatnonzero(label_B == c)[random.permutation(size)] for c, size in enumerate(size_C)]
    others = np.concatenate([index[:end] for index, end in zip(mixed, others_C)])
    drawn = np.concatenate([index[start:end] for index, start, end in zip(mixed, others_C, ends_C)])
    return random.permutation(others), random.permutation(drawn)


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
