"""CIFAR-10 and CIFAR-100 in their official binary form: records of a label (CIFAR-100: a coarse and a fine one) and 3 x 32 x 32 bytes.

Legend: B images, C channels, H x W pixels.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from ..core.errors import InvalidValue
from .files import Files
from .reading import Found, Reading, fifth

SHAPE = (3, 32, 32)
# per form: bytes before the pixels (the last of them is the label), file of the names, training files, test file
TEN = (1, "batches.meta.txt", [f"data_batch_{number}.bin" for number in range(1, 6)], "test_batch.bin")
HUNDRED = (2, "fine_label_names.txt", ["train.bin"], "test.bin")


def form(files: Files) -> tuple | None:
    """Its form, and folder -> where its files lie."""
    paths = {PurePosixPath(name).name: name for name in files.sizes}
    found = next((each for each in (TEN, HUNDRED) if {each[1], *each[2], each[3]} <= paths.keys()), None)
    return found and (*found, paths)


def fits(files: Files) -> bool:
    return form(files) is not None


def read(reading: Reading) -> Found:
    """40 thousand to train, 10 to choose (a fifth of each class of the 50), 10 to test. Raises InvalidValue."""
    found = form(reading.files)
    assert found is not None, "`fits` comes first"
    before, meta, train, test, paths = found
    classes = tuple(line.strip() for line in reading.files.one(paths[meta]).decode("utf-8", "replace").splitlines() if line.strip())
    on, wanted = reading.report("reading images", len(train) + 1), [paths[name] for name in (*train, test)]
    parts = {}
    for name, data in reading.files.read(wanted):
        parts[name] = records(name, data, before, len(classes))
        on(len(parts))
    images_BCHW, labels_B = (np.concatenate(each) for each in zip(*(parts[paths[name]] for name in train)))
    held_B = fifth(labels_B)
    return Found(
        classes,
        {"train": (images_BCHW[~held_B], labels_B[~held_B]), "val": (images_BCHW[held_B], labels_B[held_B]), "test": parts[paths[test]]},
    )


def records(name: str, data: bytes, before: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [B, 3, 32, 32], labels [B]) of a file. Raises InvalidValue."""
    length = before + int(np.prod(SHAPE))
    if not data or len(data) % length:
        raise InvalidValue(f"{name[-80:]!r} is cut off or damaged ({len(data)} bytes are not a multiple of {length}). Fetch it again.")
    records = np.frombuffer(data, np.uint8).reshape(-1, length)
    labels_B = records[:, before - 1].astype(np.int64)
    if labels_B.max() >= classes:
        raise InvalidValue(f"{name[-80:]!r} holds the label {labels_B.max()} where there are {classes} classes. Fetch it again.")
    return records[:, before:].reshape(-1, *SHAPE), labels_B
