"""The table of a space's instances as the map asks for it: columns as arrays, a few rows as values.

Legend: N instances (of the zoo, and behind them those that were kept).
"""

from __future__ import annotations

import math
import threading
import zlib
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..core.errors import InvalidValue, closest
from ..kinds.netspace.space import Space
from .host import Loaded

NAMES = 254  # of a column of names, at most: its codes are bytes, and the last is that of a value that is not known
UNKNOWN = 255
FAR = ("hollow", "outside_words", "neighbour_percentile", "neighbour_multiple")  # of how far outside of the zoo an instance lies
LATER = 15.0  # seconds until what a page does not wait for is begun
AT_ONCE = 1 << 28  # distances between instances and those trained on that are worked out while somebody waits


def version(loaded: Loaded) -> int:
    """Changes whenever a row means another instance."""
    return loaded.once("table version", lambda: zlib.crc32("\n".join(map(str, loaded.space.table["id"])).encode()))


def numbers(space: Space, name: str) -> np.ndarray:
    """A column of numbers, float32 [N]; NaN is what is not known. Raises InvalidValue where there is none."""
    column = column_of(space, name)
    if not pd.api.types.is_numeric_dtype(column):
        raise InvalidValue(f"The column {name!r} of {space.id} holds no numbers: ask for its names.")
    return column.to_numpy(dtype=np.float32, na_value=np.nan)


def names(space: Space, name: str) -> tuple[np.ndarray, list[str] | None]:
    """A column of names: (codes, names). Codes are uint8 [N] with UNKNOWN for what is not known, names in the order in which they
    occur; of more than NAMES there is only what tells them apart, uint32 codes and None. Raises InvalidValue where there is none."""
    codes, found = pd.factorize(column_of(space, name))
    if len(found) > NAMES:
        return np.where(codes < 0, np.uint32(0xFFFFFFFF), codes.astype(np.uint32)), None
    return np.where(codes < 0, UNKNOWN, codes).astype(np.uint8), [spelled(value) for value in found]


def column_of(space: Space, name: str) -> pd.Series:
    if name not in space.table:
        raise InvalidValue(f"There is no column {str(name)[:40]!r} in {space.id}.{closest(str(name), list(map(str, space.table.columns)))}")
    return space.table[name]


def spelled(value: Any) -> str:
    """A name as a page writes it: "7", not "7.0"."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    return str(int(value)) if isinstance(value, (float, np.floating)) and value == int(value) else str(value)


def hollow(loaded: Loaded) -> np.ndarray | None:
    """Which instances lie outside of the zoo, uint8 [N]; None while that is still being worked out, in the background."""
    space = loaded.space
    held_out = len(space.table) - len(space.trained)
    if "outside_of_rows" not in space.__dict__ and held_out * len(space.trained) > AT_ONCE:
        loaded.once("outside", lambda: in_background(space))
        return None
    return np.array([each is not None and each.hollow for each in space.outside_of_rows], np.uint8)


def in_background(space: Space) -> None:
    """Works out how far outside all instances lie, on one core, once the page is there; and at once what one of them is compared with,
    as somebody may soon point at it."""

    def compared() -> None:
        torch.set_num_threads(1)
        _ = space.members

    def all_of_them() -> None:
        torch.set_num_threads(1)
        _ = space.outside_of_rows

    for wait, work in ((0.0, compared), (LATER, all_of_them)):
        timer = threading.Timer(wait, work)
        timer.daemon = True
        timer.start()


def facts(space: Space, row: int) -> dict[str, Any]:
    """A row of the table as plain values; None of what is not known, and how far outside of the zoo it lies."""
    found = {str(name): plain(space.table[name].iloc[row]) for name in space.table.columns}
    (outside,) = space.outside_of(np.array([row]))
    far = (outside.hollow, outside.words, outside.percentile, outside.multiple) if outside else (None,) * len(FAR)
    return {"row": row, **found, **dict(zip(FAR, far))}


def plain(value: Any) -> Any:
    """A cell for JSON."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NA or isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)
