"""The images of a data set, and whether an architecture takes them. Importing this needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.errors import InvalidValue
from .preprocessing import Preprocessing, of_dict


@dataclass(frozen=True)
class Images:
    """An available data set: per split, images [B, C, H, W] as the networks want them (a float tensor, or `Pixels` that become one where
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
        """The same, where the architectures take its images and tell its classes apart, normalised as they want them. Raises
        InvalidValue."""
        shape = tuple(self.images["test"].shape[1:])
        for arch in archs:
            suits(arch, shape, len(self.classes), self.title)
        wanted = {of_dict(arch.preprocessing) or self.preprocessing for arch in archs}
        if len(wanted) > 1:
            names = ", ".join(arch.id for arch in archs)
            raise InvalidValue(f"{names} expect their images normalised differently. Add them with one normalisation.")
        return self.seen_by(next(iter(wanted), None))

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
