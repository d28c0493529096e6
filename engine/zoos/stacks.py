"""Files that hold many networks at once: arrays whose first axis is the networks, mapped or streamed, never whole in memory.

Legend: N members, P parameters.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from ..core.boundary import readable
from ..core.errors import InvalidValue
from ..core.rows import mapped_file
from ..nets.sniffing import HEADER_LIMIT, form_of_file

BLOCK = 16 << 20  # bytes of parameters that are in memory at once
TEXT = "OSU"  # kinds of dtypes that are texts, or anything


class Column(Protocol):
    """An array on disk."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def read(self, first: int, last: int) -> np.ndarray:
        """Its entries [first, last); a later call asks for later ones."""
        ...


class Mapped:
    def __init__(self, array: np.ndarray):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def read(self, first: int, last: int) -> np.ndarray:
        return self.array[first:last]


class Streamed:
    """An array in a compressed npz, read from its beginning on."""

    def __init__(self, file: zipfile.ZipFile, name: str):
        self._stream: IO[bytes] = file.open(name)
        self.shape, fortran, self.dtype = header(self._stream, name)
        if fortran:
            raise InvalidValue(f"{name} is in Fortran order and cannot be read network by network. Save numpy.ascontiguousarray of it.")
        self._at, self._bytes = 0, int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize

    def read(self, first: int, last: int) -> np.ndarray:
        while self._at < first:  # what a resumed import has read already
            last_skipped = min(first, self._at + max(1, BLOCK // max(1, self._bytes)))
            self._take((last_skipped - self._at) * self._bytes)
            self._at = last_skipped
        last = min(last, self.shape[0])
        data, self._at = self._take((last - first) * self._bytes), last
        return np.frombuffer(data, self.dtype).reshape(last - first, *self.shape[1:])

    def _take(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) != count:
            raise InvalidValue("The file is cut off. Download or save it again.")
        return data


def header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether in Fortran's order, dtype) of an .npy stream. Raises InvalidValue for Python objects, ValueError."""
    version = np.lib.format.read_magic(stream)
    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}.get(version[0])
    if read is None:
        raise InvalidValue(f"{name} is of version {version[0]} of NumPy's format, which is not read. Save it again.")
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise InvalidValue(f"{name} holds Python objects, which could run code and are not read. Save numbers and strings.")
    return shape, fortran, dtype


def is_stack(path: Path) -> bool:
    """Whether a file is of a kind that `columns_of` opens."""
    with open(path, "rb") as file:
        if file.read(6) == b"\x93NUMPY":
            return True
    try:
        return form_of_file(path) in ("npz", "safetensors")
    except InvalidValue:
        return False


def columns_of(path: Path) -> Mapping[str, Column]:
    """The arrays of an .npy (by the name "parameters"), .npz or safetensors file. Raises InvalidValue, ValueError, OSError."""
    with open(path, "rb") as file:
        if file.read(6) == b"\x93NUMPY":
            return {"parameters": Mapped(mapped_npy(path))}
    if form_of_file(path) == "safetensors":
        return {name: Mapped(array) for name, array in mapped_file(path, HEADER_LIMIT).items()}
    archive, found = zipfile.ZipFile(path), dict[str, Column]()  # it stays open as long as what streams from it
    for entry in archive.infolist():
        name = entry.filename.removesuffix(".npy")
        with archive.open(entry) as stream:
            shape, fortran, dtype = header(stream, readable(name))
            start = stream.tell()
        if entry.compress_type == zipfile.ZIP_STORED and int(np.prod(shape, dtype=np.int64)):
            place = place_of(path, entry) + start
            found[name] = Mapped(np.memmap(path, dtype, "r", place, shape, "F" if fortran else "C"))
        else:
            found[name] = Streamed(archive, entry.filename)
    return found


def mapped_npy(path: Path) -> np.ndarray:
    """The array of an .npy file, mapped. Raises InvalidValue, ValueError."""
    with open(path, "rb") as file:
        shape, fortran, dtype = header(file, readable(path.name))
        start = file.tell()
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")


def place_of(path: Path, entry: zipfile.ZipInfo) -> int:
    """Where the bytes of an entry begin that is stored as it is."""
    with open(path, "rb") as file:
        file.seek(entry.header_offset)
        local = file.read(30)
    if local[:4] != b"PK\x03\x04":
        raise InvalidValue(f"{readable(path.name)} is damaged: its table of contents is wrong. Download or save it again.")
    return entry.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")


def block(parameters: int) -> int:
    """How many members are read together."""
    return max(1, BLOCK // (4 * parameters))
