"""Rows of float32 that lie on disk: a safetensors file of one tensor [N, P] that grows while N is not known yet, and any safetensors file
mapped into memory instead of read. Imports no torch.

Legend: N rows, P numbers in each.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
from pathlib import Path

import numpy as np

from . import small_json
from .artifacts import Artifact
from .boundary import untrusted
from .errors import CorruptArtifact
from .manifests import AGAIN

HEADER = 512  # bytes before the rows of a file that grows: its N is written when it ends
HEADER_LIMIT = 1 << 20  # bytes of a header that is read: an artifact's has a few tensors
FINITE = 1 << 22  # numbers that are looked at together
LARGE = 1 << 26  # numbers from which on single precision is a file instead of memory
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1", "BOOL": "?"}


class Rows:
    """A file that rows are appended to. `count` of them are kept of what lies there: those behind were never finished. Raises OSError."""

    def __init__(self, path: Path, width: int, count: int = 0):
        self.width, self.count = width, count
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115 - closed in `close`
        self._file.truncate(HEADER + 4 * width * count)
        self._file.seek(0, os.SEEK_END)

    def append(self, rows_NP: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(rows_NP, "<f4").data)
        self.count += len(rows_NP)

    def commit(self) -> None:
        """What was appended is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self, name: str) -> None:
        """The file is a safetensors file of the tensor `name` [N, P]."""
        entry = {"dtype": "F32", "shape": [self.count, self.width], "data_offsets": [0, 4 * self.width * self.count]}
        text = json.dumps({name: entry}).encode().ljust(HEADER - 8)
        assert len(text) == HEADER - 8
        self._file.seek(0)
        self._file.write(len(text).to_bytes(8, "little") + text)
        self.commit()

    def close(self) -> None:
        self._file.close()


def open_rows(path: Path, width: int) -> np.ndarray:
    """The rows [N, P] of such a file, mapped read-only."""
    return np.memmap(path, "<f4", "r", HEADER).reshape(-1, width) if path.stat().st_size > HEADER else np.zeros((0, width), "<f4")


def mapped(artifact: Artifact, name: str) -> dict[str, np.ndarray]:
    """Tensors of a .safetensors file of an artifact, mapped: what is written to them stays in memory. Raises CorruptArtifact on damage
    and on NaN or infinity."""
    path = artifact.path(name)
    with untrusted(f"{artifact.id}: {name}", CorruptArtifact, AGAIN):
        arrays = mapped_file(path)
    for key, array in arrays.items():
        if not is_finite(array):
            raise CorruptArtifact(f"{artifact.id}: {name} holds NaN or infinity in {key!r}. {AGAIN}")
        let_go(array)
    return arrays


def let_go(array: np.ndarray) -> None:
    """Gives a mapped array's memory back to the system: what is read again comes from the file."""
    advise(array, "MADV_DONTNEED")


def advise(array: np.ndarray, advice: str) -> None:
    file, known = getattr(array, "_mmap", None), getattr(mmap, advice, None)  # none of an array in memory; not on every system
    if file is not None and known is not None:
        file.madvise(known)


def single(array: np.ndarray) -> np.ndarray:
    """The array in float32. A large one in half precision is written out and mapped, so that it takes memory only where it is used; or
    everywhere, where there is no room for the file."""
    if array.dtype == np.float32 or array.size < LARGE:
        return array.astype(np.float32, copy=False)
    flat = array.reshape(-1)
    try:
        with tempfile.TemporaryFile() as file:  # it is gone with the map
            for at in range(0, flat.size, FINITE):
                file.write(flat[at : at + FINITE].astype("<f4").data)
            file.flush()
            if hasattr(os, "posix_fadvise"):  # written in large pieces, it would come with two megabytes for each row that is looked at
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            found = np.memmap(file, "<f4", "c", 0, array.shape)
            advise(found, "MADV_RANDOM")
            return found
    except OSError:
        return array.astype(np.float32)
    finally:
        let_go(array)


def mapped_file(path: Path, limit: int = HEADER_LIMIT) -> dict[str, np.ndarray]:
    """Tensors of a safetensors file, mapped copy-on-write. Raises ValueError, KeyError, TypeError, OSError where it is none."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > limit:
            raise ValueError("its header is too long")
        header = small_json.parse(file.read(size))
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")
    start, held = 8 + size, path.stat().st_size - 8 - size
    found = {}
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        if entry["dtype"] not in TYPES:
            raise ValueError(f"it holds {str(entry['dtype'])[:20]} in {key[:60]!r}")
        dtype, shape, (first, last) = np.dtype(TYPES[entry["dtype"]]), tuple(map(int, entry["shape"])), entry["data_offsets"]
        numbers = 1
        for length in shape:
            numbers *= length
        if not 0 <= first <= last <= held or min(shape, default=0) < 0 or last - first != numbers * dtype.itemsize:
            raise ValueError(f"{key[:60]!r} does not lie within the file")
        found[key] = np.memmap(path, dtype, "c", start + first, shape) if numbers else np.zeros(shape, dtype)
    return found


def is_finite(array: np.ndarray) -> bool:
    """Whether all numbers of an array are; a part at a time."""
    if array.dtype.kind != "f":
        return True
    flat = array.reshape(-1)
    return all(np.isfinite(flat[at : at + FINITE]).all() for at in range(0, flat.size, FINITE))
