"""What the readers of the formats share: what they give, and the splits of the papers.

Legend: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.errors import InvalidValue
from .decode import Form, Item, Report, decode
from .files import Files

SPLIT_SEED = 0
BROKEN_LIMIT = 0.5  # share of images that may be broken before the whole is refused


class Reading(NamedTuple):
    """What a reader is told."""

    files: Files
    size: int | None  # pixels a side that are asked for
    root: Path  # folder with room
    report: Report


@dataclass(frozen=True)
class Found:
    """A data set, decoded: split -> (uint8 [B, C, H, W], labels [B])."""

    classes: tuple[str, ...]
    splits: dict[str, tuple[np.ndarray, np.ndarray]]
    made_of: str = ""  # what its title says of it where that is not the official form: "JPEG"
    broken: dict[str, str] = field(default_factory=dict)  # file -> why it cannot be read
    left_out: dict[str, int] = field(default_factory=dict)  # kind of file that is there and was not read -> how many
    moments: tuple | None = None  # mean and standard deviation per channel that networks expect; None for those of the training images


def fifth(labels_B: np.ndarray) -> np.ndarray:
    """bool [B]: a fifth of each class (at least one of a class that has two), drawn from a fixed seed: what is held out of a training
    split that comes in one piece."""
    labels_B = np.asarray(labels_B)
    random, held_B = np.random.default_rng(SPLIT_SEED), np.zeros(len(labels_B), bool)
    for label in np.unique(labels_B):
        rows = np.flatnonzero(labels_B == label)
        held_B[random.permutation(rows)[: max(len(rows) // 5, int(len(rows) > 1))]] = True
    return held_B


def held_out(items: list[Item], split: str, of: str = "train") -> list[Item]:
    """The items with a fifth of `of` as `split`."""
    rows = [row for row, item in enumerate(items) if item.split == of]
    held = {rows[at] for at in np.flatnonzero(fifth(np.array([items[row].label for row in rows], np.int64)))}
    return [Item(item.name, split, item.label) if row in held else item for row, item in enumerate(items)]


def decode_all(reading: Reading, items: list[Item], form: Form) -> tuple[dict, dict[str, str]]:
    """See decode.decode. Raises InvalidValue where most images are broken, or a split is empty."""
    splits, broken = decode(reading.files, items, form, reading.root, reading.report)
    if len(broken) > BROKEN_LIMIT * len(items) or not all(len(labels) for _, labels in splits.values()):
        name, reason = next(iter(broken.items()))
        raise InvalidValue(
            f"{len(broken)} of {len(items)} images of {reading.files.path.name} cannot be read ({name[-80:]}: {reason[:120]}). "
            "Check its source."
        )
    return splits, broken
