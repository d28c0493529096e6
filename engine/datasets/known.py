"""What the name of a published data set promises, and whether a folder of images keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol, TypeVar

from ..core.errors import DataMissing, InvalidValue
from . import Images, in_words, load, suits
from .reading import Found

TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tinyimagenet": "Tiny-ImageNet", "imagenet": "ImageNet validation"}
COUNTS = {"cifar10": 10, "cifar100": 100, "tinyimagenet": 200, "imagenet": 1000}  # classes
SHAPES = {"cifar10": (3, 32, 32), "cifar100": (3, 32, 32), "tinyimagenet": (3, 64, 64)}  # of an image
SEEN = {**SHAPES, "imagenet": (3, 224, 224)}  # of an image as networks see it
SAME = {"plane": "airplane", "car": "automobile"}  # short names that are in use
CIFAR10 = frozenset("airplane automobile bird cat deer dog frog horse ship truck".split())
CIFAR100 = frozenset(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle
    chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house
    kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
    otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew
    skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout
    tulip turtle wardrobe whale willow_tree wolf woman worm""".split()
)
WNID = re.compile(r"n\d{8}")


def title(name: str, found: Found) -> str:
    """A data set's title: that of a published one with what it was made of where that is not the official form, else its name. Raises
    InvalidValue where it is not what its name promises."""
    if name not in TITLES:
        return name
    if len(found.classes) != COUNTS[name]:
        raise InvalidValue(f"{TITLES[name]} has {COUNTS[name]} classes, but this holds {len(found.classes)}. Add it under another name.")
    shape = found.splits["train"][0].shape[1:]
    if name in SHAPES and shape != SHAPES[name]:
        raise InvalidValue(
            f"Images of {TITLES[name]} are {in_words(SHAPES[name])}, these are {in_words(shape)}. Add them under another name."
        )
    if not found.made_of:
        return TITLES[name]
    if stranger := next((each for each in found.classes if not belongs(name, each)), None):
        raise InvalidValue(f"{TITLES[name]} has no class {stranger[:60]!r}. Add these images under another name.")
    return f"{TITLES[name]} ({found.made_of})"


def belongs(name: str, label: str) -> bool:
    """Whether a published data set has a class of that name; Tiny-ImageNet's are WordNet ids."""
    word = label.lower().replace(" ", "_")
    if name == "tinyimagenet":
        return WNID.fullmatch(word) is not None
    return SAME.get(word, word) in {"cifar10": CIFAR10, "cifar100": CIFAR100}.get(name, {word})


class Takes(Protocol):
    """What takes images of one shape: an architecture."""

    @property
    def input_shape(self) -> tuple[int, ...]: ...


A = TypeVar("A", bound=Takes)


def images_for(name: str, arch: A, device: str = "cpu", sized: Callable[[A, int], A | None] | None = None) -> tuple[A, Images | None]:
    """(`arch`, the images of a data set that it takes; None where they are of a published one that is not available).

    `sized(arch, side)` gives the same architecture for images of another size, where there is one. Raises UnknownId for a name that
    is no data set, InvalidValue where the images do not fit the architecture, CorruptArtifact.
    """
    try:
        images = load(name, device)
        shape, classes, called = tuple(images.images["test"].shape[1:]), len(images.classes), images.title
    except DataMissing:
        images, shape, classes, called = None, SEEN[name], COUNTS[name], TITLES[name]
    if sized and shape != arch.input_shape:
        arch = sized(arch, shape[-1]) or arch
    suits(arch, shape, classes, called)
    return arch, images
