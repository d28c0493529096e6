"""Names of data sets and of their splits."""

from __future__ import annotations

from ..core.errors import DataMissing
from . import builtin

PUBLISHED = ("cifar10", "cifar100", "tinyimagenet", "imagenet")
NAMES = (*builtin.names(), *PUBLISHED)
SPLITS = ("train", "val", "test")


def missing(name: str) -> DataMissing:
    """What is said where the images of that name are needed and not here."""
    command = f"`python -m engine data get {name}` downloads them, " if name in PUBLISHED[:3] else ""
    return DataMissing(
        f"The images of {name} are not here. {command}`python -m engine data add {name} FOLDER` takes them from a folder or an archive."
    )
