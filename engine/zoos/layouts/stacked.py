"""One file that holds all networks: an .npz, .npy or safetensors file of their flat parameters [N, P], or of a tensor [N, ...] for each
tensor of the architecture. Its other arrays of length N are properties."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ...core.boundary import readable, untrusted
from ...core.errors import ExplorerError, InvalidValue
from ...nets.naming import COUNTERS, Taken
from ...nets.reading import Checkpoint
from ..fitting import Fitter
from ..layout import CHANGED_MEANWHILE, Layout, Rows, reason
from ..members import CHANGED, FILE, ROW, SIZE, Asked, Survey, stamp
from ..stacks import Column, block, columns_of, is_stack
from ..surveying import finish, one_table

FLAT = ("parameters", "weights", "params", "theta", "w")  # what flat parameters are called, where several arrays could be those
AGAIN = "It is cut off or damaged: download or save it again."


class Stacked(Layout):
    id, rank = "stacked", 50

    def sees(self, path: Path) -> bool:
        return bool(self._file(path))

    def _file(self, path: Path) -> str:
        """The file that holds all: the one that is named, or the only one of a folder beside tables; "" where there is none."""
        if path.is_file():
            return path.name if is_stack(path) else ""
        files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
        if any(each.is_dir() and not each.name.startswith(".") for each in path.iterdir()):
            return ""
        found = [each.name for each in files if each.suffix in (".npz", ".npy", ".safetensors") and is_stack(each)]
        return found[0] if len(found) == 1 and len(networks(columns_of(path / found[0]))) else ""

    def survey(self, asked: Asked) -> Survey:
        name = self._file(asked.path)
        folder = asked.path if asked.path.is_dir() else asked.path.parent
        notes: list[str] = []
        with untrusted(f"{readable(name)}, a stack of networks,", InvalidValue, AGAIN):
            columns = columns_of(folder / name)
            held = networks(columns)
            if not held:
                raise InvalidValue(f"{readable(name)} has no array whose first axis is the networks: [N, P], or [N, ...] for each tensor.")
            count = columns[held[0]].shape[0]
            rows = pd.DataFrame({FILE: "", ROW: range(count)})
            size, changed = stamp(folder / name)
            properties = {key: texts(column.read(0, count)) for key, column in columns.items() if column.shape == (count,)}
        what = f"a stack of {count:,} networks in {readable(name)} ({len(held)} array{'s' * (len(held) > 1)})"
        table = one_table(asked, folder, notes, (name,)) if asked.path.is_dir() else None
        return finish(asked, what, rows.assign(**{SIZE: size, CHANGED: changed}), pd.DataFrame(properties), notes, (name,), table)

    def rows(self, path: Path, survey: Survey, first: int, fitter: Fitter) -> Rows:
        file = (path if path.is_dir() else path.parent) / survey.whole[0]
        before = stamp(file)
        if len(survey.table) and before != (survey.table[SIZE].iloc[0], survey.table[CHANGED].iloc[0]):
            raise InvalidValue(f"{readable(file.name)}: {CHANGED_MEANWHILE}")
        columns = columns_of(file)
        held = networks(columns)
        yield from of_columns({name: columns[name] for name in held}, readable(file.name), survey, first, fitter)
        if stamp(file) != before:
            raise InvalidValue(f"{readable(file.name)}: {CHANGED_MEANWHILE}")


def of_columns(columns: Mapping[str, Column], name: str, survey: Survey, first: int, fitter: Fitter) -> Rows:
    """The rows of a stack; what does not fit the architecture is wrong with all of them. Raises InvalidValue, CheckpointMismatch."""
    arch = fitter.arch
    flat = flat_of(columns, arch.parameters)
    form, taken = (None, Taken({}, "")) if flat else fitter.taken(Checkpoint(name, {key: shape_of(each) for key, each in columns.items()}))
    places = survey.table[ROW].to_numpy()
    size, member = block(arch.parameters), first
    while member < len(places):
        start = int(places[member])
        last = int(np.searchsorted(places, start + size))
        wanted = places[member:last] - start
        stop = start + int(wanted[-1]) + 1
        if flat:
            yield member, floats(columns[flat].read(start, stop)[wanted], flat)
        else:
            parts = {key: floats(columns[real].read(start, stop)[wanted], real) for key, real in taken.names.items()}
            if fitter.is_kept(form):
                yield member, np.concatenate([parts[entry.name].reshape(len(wanted), -1) for entry in arch.layout], 1)
            else:
                yield from one_by_one(parts, member, len(wanted), fitter)
        member = last


def one_by_one(parts: Mapping[str, np.ndarray], member: int, count: int, fitter: Fitter) -> Rows:
    """Rows of networks whose batch norms are folded, each by itself."""
    for at in range(count):
        try:
            yield member + at, fitter.row(Checkpoint("It", {name: part[at] for name, part in parts.items()}))[None]
        except ExplorerError as error:
            yield member + at, reason(error)


def networks(columns: Mapping[str, Column]) -> list[str]:
    """The arrays that hold the networks' tensors: of numbers, of two axes or more, with the first axis that most have."""
    many = {name: each for name, each in columns.items() if len(each.shape) > 1 and each.dtype.kind == "f"}
    if not many:
        return []
    count = Counter(each.shape[0] for each in many.values()).most_common(1)[0][0]
    return [name for name, each in many.items() if each.shape[0] == count and name.rpartition(".")[2] not in COUNTERS]


def flat_of(columns: Mapping[str, Column], parameters: int) -> str:
    """The array of flat parameters [N, P]; "" where there is none."""
    found = [name for name, each in columns.items() if each.shape[1:] == (parameters,)]
    return next((name for name in found if name.lower() in FLAT), found[0] if len(found) == 1 else "")


def shape_of(column: Column) -> np.ndarray:
    """An array of a member's shape that takes no memory."""
    return np.broadcast_to(np.float32(0), column.shape[1:])


def floats(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers as float32. Raises InvalidValue."""
    if array.dtype.kind != "f":
        raise InvalidValue(f"{readable(name)} holds {array.dtype}, where floating-point weights belong.")
    return array.astype(np.float32)


def texts(column: np.ndarray) -> np.ndarray:
    """A property's values; bytes as texts."""
    return np.array([os.fsdecode(value) for value in column]) if column.dtype.kind == "S" else np.array(column)


LAYOUT = Stacked()
