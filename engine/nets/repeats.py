"""Many torch files of one make, read fast: files whose pickles are the same, byte by byte, differ in their numbers alone.

Where the numbers lie is learnt from torch itself: it reads a copy of such a file in which each number is its own place.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from itertools import filterfalse
from pathlib import Path

import numpy as np

from ..core.boundary import untrusted
from ..core.errors import InvalidValue

PICKLE, BYTE_ORDER, NUMBERS = "data.pkl", "byteorder", "data/"  # in torch's zips, behind the archive's name
LOCAL = 30  # bytes of a zip's local header, before the name
LARGEST = 1 << 20  # numbers of a file: a larger one costs its bytes, not its pickle; up to 1 << 24 a float32 can tell its place
KEPT = 16  # makes at once
Key = tuple[bytes, tuple[tuple[str, int], ...]]
Recipe = dict[str, np.ndarray]  # name of a tensor -> the places of its numbers, in its shape


class Repeats:
    """What was learnt of the files so far."""

    def __init__(self):
        self._recipes: dict[Key, Recipe | None] = {}

    def arrays(self, path: Path) -> dict[str, np.ndarray] | None:
        """The float32 tensors of a file by their names, where files of its make were read before; None where the file has to be read as
        any other. Raises OSError."""
        if path.stat().st_size > 8 * LARGEST:
            return None
        data = path.read_bytes()
        records = records_of(data)
        if records is None:
            return None
        numbers = [part for name, part in records.items() if name.startswith(NUMBERS)]
        key = records[PICKLE], tuple((name, len(part)) for name, part in records.items())
        if key not in self._recipes:  # its first file: torch has to judge it
            if len(self._recipes) == KEPT:
                self._recipes.pop(next(iter(self._recipes)))
            self._recipes[key] = {}
            return None
        if (recipe := self._recipes[key]) == {}:
            recipe = self._recipes[key] = self._learn(path, records)
        if recipe is None:
            return None
        flat = np.frombuffer(b"".join(numbers), "<f4")
        return {name: flat[places] for name, places in recipe.items()}

    def _learn(self, path: Path, records: dict[str, bytes]) -> Recipe | None:
        """None where a file of this make has other than float32 tensors, or none can be read."""
        from .naming import is_counter
        from .reading import as_floats, flat, load

        sizes = [len(part) for name, part in records.items() if name.startswith(NUMBERS)]
        if sum(sizes) > 4 * LARGEST or any(size % 4 for size in sizes):
            return None
        copy, first = io.BytesIO(), 0
        with zipfile.ZipFile(copy, "w") as file:
            for name, part in records.items():
                if name.startswith(NUMBERS):
                    part = np.arange(first, first + len(part) // 4, dtype="<f4").tobytes()
                    first += len(part) // 4
                file.writestr(f"archive/{name}", part)
        copy.seek(0)
        found: Recipe = {}
        try:
            with untrusted(path.name):
                tensors = flat(load(copy), path.name)
                for name in filterfalse(is_counter, tensors):
                    places, odd = as_floats(tensors[name])
                    if odd or tensors[name].element_size() != 4:
                        return None
                    found[name] = places.astype(np.int64)
        except InvalidValue:
            return None
        return found or None


def records_of(data: bytes) -> dict[str, bytes] | None:
    """The records of a torch zip by their names, without the archive's; None where it is not one that is whole, of little-endian
    numbers."""
    if data[:4] != b"PK\x03\x04":
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            entries = file.infolist()
        found = {}
        for entry in entries:
            at = entry.header_offset
            start = at + LOCAL + int.from_bytes(data[at + 26 : at + 28], "little") + int.from_bytes(data[at + 28 : at + 30], "little")
            part = data[start : start + entry.file_size]
            name = entry.filename.partition("/")[2]
            if entry.compress_type != zipfile.ZIP_STORED or zlib.crc32(part) != entry.CRC or name in found:
                return None
            if not name.startswith("."):
                found[name] = part
    except (zipfile.BadZipFile, ValueError, OSError, RecursionError, NotImplementedError):
        return None
    return found if PICKLE in found and found.get(BYTE_ORDER, b"little") == b"little" else None
