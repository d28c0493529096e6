"""A layout: one way in which zoos lie on disk. One object a file of `layouts/`, its `LAYOUT`; they are asked in the order of `rank`.

All of it runs in the limited process that reads (reading.py), for all that it looks at is a stranger's.

Legend: N members, P parameters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from ..core.boundary import readable
from ..core.collected import collected
from ..core.errors import ExplorerError, InvalidValue
from ..core.fields import INSTANCES
from ..nets.reading import BYTES_LIMIT, Checkpoint, unpack
from ..nets.repeats import Repeats
from . import layouts as folder
from .fitting import Fitter
from .members import CHANGED, FILE, SIZE, Asked, Survey, stamp

Rows = Iterator[tuple[int, "np.ndarray | str"]]
CHANGED_MEANWHILE = "It changed while the zoo was read. Import it again once nothing writes to it."


class Layout:
    """What differs between layouts. `rank`: the lower, the earlier it is asked."""

    id = ""
    rank = 0

    def sees(self, path: Path) -> bool:
        """Whether a zoo of this layout lies there."""
        raise NotImplementedError

    def survey(self, asked: Asked) -> Survey:
        """Its members, without their weights. Raises InvalidValue."""
        raise NotImplementedError

    def rows(self, path: Path, survey: Survey, first: int, fitter: Fitter) -> Rows:
        """From member `first` on, in order: (number of a member, parameters [n, P] of it and those after it) or (number, why it is
        left out). Raises InvalidValue where nothing more can be read."""
        raise NotImplementedError


class Files(Layout):
    """A layout in which each member is a file of its own."""

    def __init__(self):
        self._repeats = Repeats()

    def rows(self, path: Path, survey: Survey, first: int, fitter: Fitter) -> Rows:
        root, table = path if path.is_dir() else path.parent, survey.table
        names, sizes, times = (table[column].to_numpy() for column in (FILE, SIZE, CHANGED))
        for member in range(first, len(table)):
            where = root / os.fsdecode(os.fsencode(names[member]))
            try:
                if stamp(where) != (sizes[member], times[member]):
                    raise InvalidValue(CHANGED_MEANWHILE)
                if sizes[member] > BYTES_LIMIT:
                    raise InvalidValue(f"It is over {BYTES_LIMIT >> 20} MiB. Save the state dict alone.")
                arrays, said = self._repeats.arrays(where), {}
                if arrays is None:
                    said, arrays = unpack(str(where), "It")
                yield member, fitter.row(Checkpoint("It", arrays, **said))[None]
            except (ExplorerError, OSError) as error:
                yield member, reason(error)


def reason(error: ExplorerError | OSError) -> str:
    """Why a member is left out, in a sentence."""
    return f"It cannot be read ({error.strerror})." if isinstance(error, OSError) else str(error)


@cache
def layouts() -> dict[str, Layout]:
    """Id -> layout, in the order in which they are asked."""
    found = collected(folder.__name__, folder.__path__, "LAYOUT")
    return {each.id: each for each in sorted(found, key=lambda each: each.rank)}


def recognised(path: Path) -> Layout:
    """The layout of what lies at a path. Raises InvalidValue."""
    found = next((each for each in layouts().values() if each.sees(path)), None)
    if found is None:
        raise InvalidValue(f"{readable(path.name)} is not a zoo in a known layout. docs/zoos.md lists the layouts.")
    return found


def walk(root: Path) -> Iterator[str]:
    """The regular files below a folder, relative to it, in a fixed order; hidden ones and links to folders are left out. Raises
    InvalidValue where there are too many."""
    count = 0
    for where, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            count += 1
            if count > 4 * INSTANCES:
                raise InvalidValue(f"{readable(root.name)} has more than {4 * INSTANCES:,} files. Import a part of it.")
            path = os.path.join(where, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, root)
