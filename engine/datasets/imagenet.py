"""ImageNet's 50 000 validation images, from a folder of the user's: `class/*.JPEG` as torchvision lays them out, or flat, with a list.

The list is one of: lines of "file class", the class by WordNet id (Kaggle's LOC_val_solution.csv) or by its number in their sorted
order from 0 (Caffe's val.txt); or the development kit's ground truth, beside which its meta.mat must lie.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np

from ..core.boundary import untrusted
from ..core.errors import InvalidValue
from .decode import Form, Item, is_image
from .files import Files
from .reading import Found, Reading, decode_all, fifth

SIDE, CUT = 256, 224
MOMENTS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # of its training images: what every published network expects
FLAT = re.compile(r"ILSVRC2012_val_(\d{8})\.jpe?g", re.IGNORECASE)
LINE = re.compile(r"(ILSVRC2012_val_\d{8})(?:\.jpe?g)?[\s,]+(n\d{8}|\d{1,4})\b", re.IGNORECASE)
WNID = re.compile(r"n\d{8}")
TRUTH, META = "ilsvrc2012_validation_ground_truth.txt", "meta.mat"


def fits(files: Files) -> bool:
    names = [PurePosixPath(name) for name in files.sizes if is_image(name)]
    flat = [FLAT.fullmatch(name.name) is not None for name in names]
    return bool(names) and all(flat)


def read(reading: Reading) -> Found:
    """Scaled to 256 and cut to 224 as usual. Its training images are not needed, so the 50 000 are split, by class: a fifth of a fifth
    to distil on, the rest of that fifth to choose, 40 thousand to test. Raises InvalidValue."""
    names = sorted(name for name in reading.files.sizes if is_image(name))
    classes, labels = labelled(reading.files, names)
    held_B = fifth(labels)
    train_B = held_B.copy()
    train_B[held_B] = fifth(labels[held_B])
    splits_B = np.where(train_B, "train", np.where(held_B, "val", "test"))
    items = [Item(name, str(split), int(label)) for name, split, label in zip(names, splits_B, labels)]
    splits, broken = decode_all(reading, items, Form(3, CUT, CUT, SIDE))
    return Found(classes, splits, broken=broken, moments=MOMENTS)


def labelled(files: Files, names: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes in the sorted order of their WordNet ids, and each image's. Raises InvalidValue."""
    parents = [PurePosixPath(name).parent.name for name in names]
    if all(WNID.fullmatch(parent) for parent in parents):
        told = dict(zip(names, parents))
    else:
        known = listed(files)
        told = {name: known.get(PurePosixPath(name).stem.lower()) for name in names}
    if missing := next((name for name, label in told.items() if label is None), None):
        raise InvalidValue(
            f"No class is given for {missing[-60:]!r}: put each image in a folder of its class (n01440764/...), or a list beside them "
            "(LOC_val_solution.csv, val.txt, or the development kit's ground truth with its meta.mat)."
        )
    labels = {name: str(label) for name, label in told.items()}
    wnids = sorted(set(labels.values()), key=lambda label: (label.isdigit(), int(label) if label.isdigit() else label))
    number = {wnid: at for at, wnid in enumerate(wnids)}
    return tuple(wnids), np.array([number[labels[name]] for name in names], np.int64)


def listed(files: Files) -> dict[str, str]:
    """image (without its ending, lower case) -> WordNet id, or number as a text, from the lists among the files."""
    found: dict[str, str] = {}
    paths = {PurePosixPath(name).name.lower(): name for name in files.sizes}
    if {TRUTH, META} <= paths.keys():
        wnids = development_kit(files.one(paths[META]))
        for at, line in enumerate(files.one(paths[TRUTH]).split(), 1):
            if (wnid := wnids.get(int(line))) is not None:
                found[f"ilsvrc2012_val_{at:08d}"] = wnid
        return found
    for name in sorted(files.sizes):
        if name.lower().endswith((".txt", ".csv")) and files.sizes[name] < 64 << 20:
            found |= {image.lower(): label for image, label in LINE.findall(files.one(name).decode("utf-8", "replace"))}
    return found


def development_kit(data: bytes) -> dict[int, str]:
    """Its own number of a class, from 1 -> WordNet id. Raises InvalidValue."""
    from scipy.io import loadmat

    with untrusted(f"{META}, of ImageNet's development kit,", remedy="Use the one that comes with the ground truth."):
        synsets = loadmat(BytesIO(data), squeeze_me=True)["synsets"]
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets if int(row["num_children"]) == 0}
