"""Data sets as they lie prepared on disk: bytes decoded once, a manifest beside them.

`<home>/<name>/` holds `manifest.json` and, per split, `<split>.images.npy` (uint8 [B, C, H, W]) and `<split>.labels.npy` (int64 [B]).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..core import settings, small_json
from ..core.artifacts import replace_folder, safe_name, sha256
from ..core.boundary import untrusted
from ..core.config import from_fields
from ..core.errors import CorruptArtifact, InvalidValue, StorageError
from ..core.replacing import alone
from .images import Images
from .names import SPLITS, missing
from .preprocessing import Preprocessing

FORMAT = 1
ROWS = 1024  # of images that are written, or counted, at once

@dataclass(frozen=True)
class Prepared:
    """What a prepared data set says of itself."""

    name: str
    title: str  # with what sets its figures apart: "CIFAR-10 (JPEG)"
    source: str  # where its images came from
    classes: tuple[str, ...]
    counts: dict  # images of each split
    mean: tuple[float, ...]  # per channel, in 0..1, of the training images
    std: tuple[float, ...]
    sha256: dict  # of each file
    broken: int = 0  # images that could not be read, and are not there
    left_out: dict = field(default_factory=dict)  # other files that were not read: their ending, or the reason -> how many
    format: int = FORMAT

    @property
    def preprocessing(self) -> Preprocessing:
        """Of its images as they are given to networks."""
        return Preprocessing(self.mean, self.std)


def home() -> Path:
    """Folder of the prepared data sets: EXPLORER_DATA, or `datasets` in the workspace."""
    return settings.data()


def folder_of(name: str, root: Path | None = None) -> Path:
    """Where a prepared data set of that name lies, or would."""
    return (root or home()) / safe_name(name)


def write(name: str, title: str, source: str, classes, splits: dict, root: Path | None = None, **others) -> Prepared:
    """Keep decoded images under a name, whole or not at all; see `fill`. Raises StorageError."""
    with staging(name, root or home()) as folder:
        found = fill(folder, name, title, source, classes, splits, **others)
        put(folder, name, root or home())
    return found


@contextmanager
def staging(name: str, root: Path) -> Iterator[Path]:
    """A folder beside the prepared data sets that `fill` may fill and `put` puts in its place; gone in the end. Raises StorageError."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{safe_name(name)}-", dir=root))
    except OSError as error:
        raise StorageError(f"Cannot write to {root} ({error.strerror}). Choose another folder with EXPLORER_DATA.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(folder: Path, name: str, root: Path) -> None:
    """A filled folder becomes the data set of that name: a reader sees the whole or nothing; what had the name is replaced."""
    with storing(name, root):
        folder.chmod(0o755)
        with alone(root):  # two that bring the same name at once
            replace_folder(folder, root / safe_name(name))


def fill(
    folder: Path, name: str, title: str, source: str, classes, splits: dict[str, tuple[np.ndarray, np.ndarray]],
    normal: tuple | None = None, broken: int = 0, left_out: dict | None = None,
) -> Prepared:  # fmt: skip
    """Write decoded images: split -> (uint8 [B, C, H, W], labels [B]), each split in a fixed random order, so that its first images are
    of all classes. `normal`: mean and standard deviation per channel, where networks expect others than those of the training images.
    Raises StorageError."""
    assert set(splits) == set(SPLITS) and all(images.dtype == np.uint8 and len(images) == len(labels) for images, labels in splits.values())
    with storing(name, folder.parent):
        for split, (images_BCHW, labels_B) in splits.items():
            order_B = np.random.default_rng(0).permutation(len(labels_B))
            save(folder / f"{split}.images.npy", images_BCHW, order_B)
            save(folder / f"{split}.labels.npy", labels_B.astype(np.int64), order_B)
        mean, std = normal or moments(splits["train"][0])
        hashes = {path.name: sha256(path) for path in sorted(folder.iterdir())}
        counts = {split: len(labels) for split, (_, labels) in splits.items()}
        found = Prepared(name, title, source, tuple(classes), counts, mean, std, hashes, broken, left_out or {})
        with open(folder / "manifest.json", "w", encoding="utf-8") as file:
            json.dump(asdict(found), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
    return found


@contextmanager
def storing(name: str, root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot write {name} to {root} ({error.strerror}). Free some space, or choose another folder with EXPLORER_DATA."
        ) from error


def save(path: Path, array: np.ndarray, order_B: np.ndarray) -> None:
    """A .npy file of an array's rows in that order; a chunk at a time, as they need not fit into memory."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, np.lib.format.header_data_from_array_1_0(array[:0]) | {"shape": array.shape, "fortran_order": False}
        )
        for first in range(0, len(order_B), ROWS):
            file.write(array[order_B[first : first + ROWS]].tobytes())
        file.flush()
        os.fsync(file.fileno())


def moments(images_BCHW: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, in 0..1, from its histogram: exact, and nothing becomes a float."""
    levels, means, stds = np.arange(256) / 255, [], []
    for channel in range(images_BCHW.shape[1]):
        chunks = (images_BCHW[first : first + ROWS, channel].ravel() for first in range(0, len(images_BCHW), ROWS))
        share = sum(np.bincount(chunk, minlength=256) for chunk in chunks) / images_BCHW[:, channel].size
        means.append(float(share @ levels))
        stds.append(max(float(share @ (levels - means[-1]) ** 2) ** 0.5, 1 / 255))
    return tuple(round(value, 6) for value in means), tuple(round(value, 6) for value in stds)


def manifest(name: str, root: Path | None = None) -> Prepared:
    """What the prepared data set of that name says of itself. Raises DataMissing, CorruptArtifact."""
    path = folder_of(name, root) / "manifest.json"
    if not path.exists():
        raise missing(name)
    with damaged(name):
        raw = small_json.read(path)
        if not isinstance(raw, dict):
            raise ValueError("its manifest.json is not an object")
        try:
            found = from_fields(Prepared, raw)
        except InvalidValue as error:  # a person typed nothing here: the file is damaged
            raise ValueError(str(error)) from error
        texts = (found.name, found.title, found.source, *found.classes)
        numbers = (*(found.counts[split] for split in SPLITS), *found.mean, *found.std, found.broken, *found.left_out.values())
        if not all(isinstance(each, str) for each in texts) or not all(isinstance(each, int | float) for each in numbers):
            raise ValueError("its manifest.json has wrong fields")
    return found


def damaged(name: str):
    """Whatever goes wrong inside is a data set that cannot be used. Raises CorruptArtifact."""
    remedy = f"`python -m engine data remove {name}`, then download or add them again."
    return untrusted(f"The images of {name}", CorruptArtifact, remedy)


def here(name: str, root: Path | None = None) -> bool:
    """Whether a data set of that name was prepared."""
    return (folder_of(name, root) / "manifest.json").is_file()


def remove(name: str, root: Path | None = None) -> None:
    """Delete a prepared data set; nothing where there is none."""
    shutil.rmtree(folder_of(name, root), ignore_errors=True)


def open_images(name: str, device: str = "cpu", root: Path | None = None) -> Images:
    """A prepared data set, memory-mapped. Raises DataMissing, CorruptArtifact."""
    import torch

    from .pixels import from_file

    found, folder = manifest(name, root), folder_of(name, root)
    with damaged(name):
        images = {split: from_file(folder / f"{split}.images.npy", found.mean, found.std, device) for split in SPLITS}
        labels = {split: torch.from_numpy(np.load(folder / f"{split}.labels.npy")).to(device) for split in SPLITS}
    return Images(name, found.title, found.classes, images, labels, *found.preprocessing.ends, found.preprocessing)
