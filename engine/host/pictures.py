"""Small pictures of some instances of a space: PReps, or where its networks answer surfaces, those surfaces from its contact sheets, or
where they are pictures, those.

Legend: M instances asked for, N of the space, R x C a small PRep, S x S a surface's or a signal's picture.
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from ..core.errors import InvalidValue
from ..core.frames import to_bytes
from ..kinds.netspace import kept, placed_shapes
from ..kinds.netspace.space import Space
from ..tasks.distances import sheet
from ..tasks.signals.networks import pictures as signal_pictures
from ..tasks.zoo import evenly
from .host import Host, Loaded, colour_range, prep_of, row_of

WIDTH = 64  # cells of a small PRep, at most
SIDE = 32  # pixels of a network that is a picture
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
    space = loaded.space
    if space.task.surfaces:
        return {}, surfaces(host, loaded, ids)
    rows = [row_of(loaded, each) for each in ids]
    if space.task.pictures:
        return {}, grey(host.run(signal_pictures, space.parameters_NP[rows], space.arch, SIDE, SIDE).cpu().numpy())
    high = scale(loaded)
    return {"vmin": -high, "vmax": high}, to_bytes(small_preps(space, space.parameters_NP[rows]), -high, high)


def grey(levels_MRC: np.ndarray) -> np.ndarray:
    """Brightnesses, 0 black to 1 white, as RGBA uint8 [M, R, C, 4]."""
    levels_MRC1 = to_bytes(levels_MRC, 0.0, 1.0)[..., None]
    return np.concatenate([levels_MRC1.repeat(3, -1), np.full_like(levels_MRC1, 255)], -1)


def surfaces(host: Host, loaded: Loaded, ids: list[str]) -> np.ndarray:
    """The pictures of surfaces, RGBA uint8 [M, S, S, 4]. Those of the space itself are on its sheet; of a space that holds more than a
    sheet does, the others are drawn as they are asked for. Raises UnknownId."""
    space, store = loaded.space, host.store
    own = int((~space.table["split"].isin(list(kept.FOUND))).sum())

    def kept_sheet(artifact: str, parameters_NP: Tensor) -> np.ndarray:
        return loaded.once(
            ("sheet", artifact), lambda: sheet.cut(sheet.sheet(store, store.open(artifact), parameters_NP, space.arch))
        )

    def one(id_: str) -> np.ndarray | None:
        if placed_shapes.is_id(id_) and id_ not in loaded.rows:
            return loaded.once(("sheet", id_), lambda: sheet.cut(store.open(id_).arrays(sheet.FILE)))[0]
        row = row_of(loaded, id_)
        if row >= own:
            return kept_sheet(id_, space.parameters_NP[row][None])[0]
        drawn_NSS4 = kept_sheet(space.id, space.parameters_NP[:own])
        at = int(np.searchsorted(rows := sheet.rows_of(own, len(drawn_NSS4)), row))
        return drawn_NSS4[at] if at < len(rows) and rows[at] == row else None

    found = [one(id_) for id_ in ids]
    missing = tuple(row_of(loaded, id_) for id_, drawn in zip(ids, found) if drawn is None)
    if missing:
        more = iter(loaded.once(("surfaces", missing), lambda: sheet.cut(sheet.sheet_of(space.parameters_NP[list(missing)], space.arch))))
        found = [next(more) if drawn is None else drawn for drawn in found]
    return np.stack(found)


def check_ids(ids: object, most: int) -> list[str]:
    """Ids as a question names them. Raises InvalidValue."""
    if not isinstance(ids, list) or not 1 <= len(ids) <= most or not all(isinstance(each, str) for each in ids):
        raise InvalidValue(f"ids must be a list of 1 to {most} instances; got {str(ids)[:60]!r}.")
    return ids
