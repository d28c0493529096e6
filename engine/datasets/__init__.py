"""Datasets: digits, which come with scikit-learn, and those that are prepared once. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import CorruptArtifact, DataMissing, InvalidValue, UnknownId, closest
from .preprocessing import Preprocessing

NAMES = ("digits", "cifar10", "cifar100", "tinyimagenet", "imagenet")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Images:
    """A dataset at hand: per split, images [B, C, H, W] as the networks want them (a float tensor, or `Pixels` that become one where
    they are indexed or split) and labels int64 [B]."""

    name: str
    title: str
    classes: tuple[str, ...]
    images: dict
    labels: dict
    low: float = 0.0  # what is drawn black
    high: float = 1.0  # what is drawn white
    preprocessing: Preprocessing | None = None  # of `images`; None where nobody knows

    def first(self, count: int) -> Images:
        """The same with at most the first `count` images of each split (0 for all): they are in random order."""
        if not count:
            return self
        images = {split: first(images_BCHW, count) for split, images_BCHW in self.images.items()}
        return replace(self, images=images, labels={split: labels_B[:count] for split, labels_B in self.labels.items()})

    def suited(self, *archs) -> Images:
        """The same, where the architectures take its images and tell its classes apart. Raises InvalidValue."""
        shape = tuple(self.images["test"].shape[1:])
        for arch in archs:
            suits(arch, shape, len(self.classes), self.title)
        return self

    def seen_by(self, wanted: Preprocessing | None) -> Images:
        """The same images as a network wants them that was trained on others (None: on such as these). Raises InvalidValue."""
        if wanted is None or self.preprocessing in (None, wanted):
            return self
        if len(wanted.mean) != len(self.preprocessing.mean):
            raise InvalidValue(f"{self.name} has {len(self.preprocessing.mean)} channels, the network's normalisation {len(wanted.mean)}.")
        images = {split: seen(images_BCHW, self.preprocessing, wanted) for split, images_BCHW in self.images.items()}
        low, high = wanted.ends
        return replace(self, images=images, low=low, high=high, preprocessing=wanted)


def suits(arch, shape: tuple[int, ...], classes: int, called: str) -> None:
    """Raises InvalidValue where an architecture does not take images of that shape, or has another number of classes."""
    if (shape, classes) != (arch.input_shape, arch.classes):
        raise InvalidValue(
            f"{arch.id} takes images of {in_words(arch.input_shape)} and {arch.classes} classes; {called} has "
            f"{in_words(shape)} and {classes}. Choose another data set or another architecture."
        )


def in_words(shape: tuple[int, ...]) -> str:
    """An image's shape (C, H, W) as people say it: "32 x 32 colour"."""
    if len(shape) != 3:
        return f"{shape[0]} coordinates"
    channels, height, width = shape
    return f"{width} x {height} {({1: 'grey', 3: 'colour'}).get(channels, f'{channels}-channel')}"


def first(images_BCHW, count: int):
    """The first `count` images, kept as they were."""
    return images_BCHW.first(count) if hasattr(images_BCHW, "first") else images_BCHW[:count]


def seen(images_BCHW, given: Preprocessing, wanted: Preprocessing):
    """Images [B, C, H, W] of one preprocessing as those of another; `Pixels` stay bytes."""
    scale, shift, places = wanted.after(given)
    if hasattr(images_BCHW, "rescaled"):
        return images_BCHW.rescaled(scale, shift, places)
    scale_C11, shift_C11 = (images_BCHW.new_tensor(values).view(-1, 1, 1) for values in (scale, shift))
    return images_BCHW[:, list(places)] * scale_C11 + shift_C11


def load(name: str, device: str = "cpu") -> Images:
    """The dataset of that name: one of NAMES, or one of the user's own that was added. Raises UnknownId, DataMissing, CorruptArtifact."""
    from . import digits, prepared  # they import this module

    if name == "digits":
        return digits.load(device)
    if name not in NAMES and not prepared.here(name):
        raise UnknownId(f"There is no dataset {str(name)[:100]!r}.{closest(str(name), NAMES)} `python -m engine data add NAME FOLDER` adds one.")
    return prepared.open_images(name, device)


def at_hand(name: str | None, device: str = "cpu", archs: Sequence = ()) -> Images | None:
    """The same; None where it is not available, there is none, or these architectures do not take it. Raises CorruptArtifact."""
    try:
        return load(name, device).suited(*archs) if name else None
    except (UnknownId, DataMissing, InvalidValue):
        return None


def missing(name: str) -> DataMissing:
    """What is said where the images of that name are needed and not here."""
    command = f"`python -m engine data get {name}` downloads them, " if name in NAMES[1:4] else ""
    return DataMissing(f"The images of {name} are not here. {command}`python -m engine data add {name} FOLDER` takes them from a folder or an archive.")


def preprocessing_of(name: str | None) -> Preprocessing | None:
    """That of a data set's own images; None where it is not here."""
    from . import digits, prepared  # they import this module

    if name == "digits":
        return digits.PREPROCESSING
    try:
        return prepared.manifest(name).preprocessing if name else None
    except (DataMissing, InvalidValue, CorruptArtifact):
        return None
