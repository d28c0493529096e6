"""Small pictures of some instances of a space: PReps, or where its networks answer surfaces, those surfaces from its contact sheets.

Legend: M instances asked for, N of the space, R x C a small PRep, S x S a surface's picture.
"""

from __future__ import annotations

import io
import math

import numpy as np
from torch import Tensor

from ..core.errors import InvalidValue
from ..core.frames import to_bytes
from ..kinds.netspace import kept, placed_shapes
from ..kinds.netspace.space import Space
from ..tasks.distances import sheet
from ..tasks.zoo import evenly
from .host import Host, Loaded, colour_range, prep_of, row_of

WIDTH = 64  # cells of a small PRep, at most
SEEN = 1024  # instances whose magnitudes make the colour scale


def small_preps(space: Space, parameters_MP: Tensor) -> np.ndarray:
    """Each run of cells in a row by the one of largest magnitude, which keeps signs where a mean would be grey; float32 [M, R, C]."""
    preps_MHW = np.stack([prep_of(space, parameters_P) for parameters_P in parameters_MP])
    count, height, width = preps_MHW.shape
    run = math.ceil(width / WIDTH)
    padded = np.pad(preps_MHW, ((0, 0), (0, 0), (0, -width % run))).reshape(count, height, -1, run)
    return np.take_along_axis(padded, np.abs(padded).argmax(-1)[..., None], -1)[..., 0]


def scale(loaded: Loaded) -> float:
    """The magnitude at which the colours of a space's small PReps end, of at most SEEN instances that lie evenly in its table."""
    parameters_NP = loaded.space.parameters_NP
    rows = evenly(len(parameters_NP), SEEN)
    return loaded.once("small", lambda: colour_range(small_preps(loaded.space, parameters_NP[rows])))


def pictures(host: Host, space_id: str, ids: list[str]) -> tuple[dict, np.ndarray]:
    """What tells how to draw them, and the pictures of instances: uint8 [M, R, C] on the colour scale of "vmin" to "vmax", or RGBA uint8
    [M, S, S, 4]. Raises UnknownId."""
    loaded = host.loaded_space(space_id)
    if loaded.space.task.surfaces:
        return {}, surfaces(host, loaded, ids)
    rows, high = [row_of(loaded, each) for each in ids], scale(loaded)
    return {"vmin": -high, "vmax": high}, to_bytes(small_preps(loaded.space, loaded.space.parameters_NP[rows]), -high, high)


def surfaces(host: Host, loaded: Loaded, ids: list[str]) -> np.ndarray:
    """The pictures of surfaces, RGBA uint8 [M, S, S, 4]; an empty one of what is not on its sheet. Raises UnknownId."""
    space, store = loaded.space, host.store
    own = int((~space.table["split"].isin(list(kept.FOUND))).sum())

    def cut(artifact: str, parameters_NP: Tensor | None, at: int) -> np.ndarray:
        if parameters_NP is None:
            drawn = store.open(artifact).arrays(sheet.FILE)
        else:
            drawn = sheet.sheet(store, store.open(artifact), parameters_NP, space.arch)
        columns, side, count = drawn["grid"].tolist()
        if parameters_NP is not None and len(parameters_NP) > count:
            on_sheet = np.searchsorted(rows := sheet.rows_of(len(parameters_NP), count), at)
            if rows[min(on_sheet, count - 1)] != at:
                return np.zeros((side, side, 4), np.uint8)
            at = int(on_sheet)
        atlas = loaded.once(("atlas", artifact), lambda: unpacked(drawn["webp"]))
        left, top = at % columns * side, at // columns * side
        return atlas[top : top + side, left : left + side]

    def one(id_: str) -> np.ndarray:
        if placed_shapes.is_id(id_) and id_ not in loaded.rows:
            return cut(id_, None, 0)
        row = row_of(loaded, id_)
        return cut(space.id, space.parameters_NP[:own], row) if row < own else cut(id_, space.parameters_NP[row][None], 0)

    return np.stack([one(id_) for id_ in ids])


def unpacked(webp: np.ndarray) -> np.ndarray:
    """A contact sheet, RGBA uint8 [H, W, 4]."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(webp.tobytes())).convert("RGBA"))


def check_ids(ids: object, most: int) -> list[str]:
    """Ids as a question names them. Raises InvalidValue."""
    if not isinstance(ids, list) or not 1 <= len(ids) <= most or not all(isinstance(each, str) for each in ids):
        raise InvalidValue(f"ids must be a list of 1 to {most} instances; got {str(ids)[:60]!r}.")
    return ids
