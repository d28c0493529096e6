"""Datasets: those that need no files (builtin), and those that are prepared once. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import CorruptArtifact, DataMissing, InvalidValue, UnknownId, closest
from . import builtin, prepared
from .images import Images, in_words, suits
from .names import NAMES, PUBLISHED, SPLITS, missing
from .preprocessing import Preprocessing

__all__ = [
    "Images", "NAMES", "PUBLISHED", "SPLITS", "at_hand", "in_words", "load", "missing", "preprocessing_of", "suits"
]  # fmt: skip


def load(name: str, device: str = "cpu") -> Images:
    """The dataset of that name: one of NAMES, or one of the user's own that was added. Raises UnknownId, DataMissing, CorruptArtifact."""
    if name in builtin.names():
        return builtin.module(name).load(device)
    if name not in NAMES and not prepared.here(name):
        raise UnknownId(
            f"There is no dataset {str(name)[:100]!r}.{closest(str(name), NAMES)} `python -m engine data add NAME FOLDER` adds one."
        )
    return prepared.open_images(name, device)


def at_hand(name: str | None, device: str = "cpu", archs: Sequence = ()) -> Images | None:
    """The same; None where it is not available, there is none, or these architectures do not take it. Raises CorruptArtifact."""
    try:
        return load(name, device).suited(*archs) if name else None
    except (UnknownId, DataMissing, InvalidValue):
        return None


def preprocessing_of(name: str | None) -> Preprocessing | None:
    """That of a data set's own images; None where it is not here."""
    if name in builtin.names():
        return builtin.module(name).PREPROCESSING
    try:
        return prepared.manifest(name).preprocessing if name else None
    except (DataMissing, InvalidValue, CorruptArtifact):
        return None
