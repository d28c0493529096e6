"""The Small CNN Zoo (Unterthiner et al. 2020): weights.npy [N, P] as TensorFlow has them, layout.csv that tells where each tensor lies, and
metrics.csv.gz with a row for each network. The rows of one `modeldir` are the steps of one training.

TensorFlow's kernels are [h, w, in, out], its dense ones [in, out], and it flattens channels last: ours is a permutation of each row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...archs import Architecture
from ...core.boundary import readable
from ...core.errors import CheckpointMismatch, InvalidValue
from ..fitting import Fitter
from ..layout import CHANGED_MEANWHILE, Layout, Rows
from ..members import CHANGED, FILE, ROW, SIZE, Asked, Survey, stamp
from ..stacks import block, mapped_npy
from ..surveying import finish

WEIGHTS, PLACES, METRICS = "weights.npy", "layout.csv", ("metrics.csv.gz", "metrics.csv")


class SmallCnn(Layout):
    id, rank = "small-cnn-zoo", 10

    def sees(self, path: Path) -> bool:
        return path.is_dir() and (path / WEIGHTS).is_file() and (path / PLACES).is_file()

    def survey(self, asked: Asked) -> Survey:
        weights = mapped_npy(asked.path / WEIGHTS)
        if weights.ndim != 2 or weights.dtype.kind != "f":
            raise InvalidValue(f"{WEIGHTS} is not an array of numbers [N, P].")
        size, changed = stamp(asked.path / WEIGHTS)
        rows = pd.DataFrame({FILE: "", SIZE: size, CHANGED: changed, ROW: range(len(weights))})
        metrics = next((asked.path / name for name in METRICS if (asked.path / name).is_file()), None)
        seen = f"the Small CNN Zoo's layout ({len(weights):,} networks of {weights.shape[1]:,} parameters)"
        return finish(asked, seen, rows, pd.DataFrame(index=rows.index), [], (WEIGHTS,), metrics)

    def rows(self, path: Path, survey: Survey, first: int, fitter: Fitter) -> Rows:
        before = stamp(path / WEIGHTS)
        if len(survey.table) and before != (survey.table[SIZE].iloc[0], survey.table[CHANGED].iloc[0]):
            raise InvalidValue(f"{WEIGHTS}: {CHANGED_MEANWHILE}")
        weights = mapped_npy(path / WEIGHTS)
        order_P = order_of(pd.read_csv(path / PLACES), fitter.arch, weights.shape[1])
        places, size = survey.table[ROW].to_numpy(), block(fitter.arch.parameters)
        for member in range(first, len(places), size):
            yield member, np.asarray(weights[places[member : member + size]], np.float32)[:, order_P]
        if stamp(path / WEIGHTS) != before:
            raise InvalidValue(f"{WEIGHTS}: {CHANGED_MEANWHILE}")


def order_of(places: pd.DataFrame, arch: Architecture, parameters: int) -> np.ndarray:
    """Where each of our parameters [P] lies in a row of theirs. Raises CheckpointMismatch, InvalidValue."""
    if not {"varname", "start_idx", "end_idx", "shape"} <= set(places):
        raise InvalidValue(f"{PLACES} lacks one of the columns varname, start_idx, end_idx and shape.")
    theirs: dict[str, dict[bool, np.ndarray]] = {}  # layer -> whether it is the kernel -> its places
    for row in places.sort_values("start_idx").to_dict("records"):
        shape = tuple(int(number) for number in str(row["shape"]).strip("()[] ").replace(",", " ").split())
        start, stop = int(row["start_idx"]), int(row["end_idx"])
        if not 0 <= start < stop <= parameters or stop - start != int(np.prod(shape)):
            raise InvalidValue(f"{PLACES}: {readable(str(row['varname']))[:60]} does not lie within a row.")
        theirs.setdefault(str(row["varname"]).rpartition("/")[0], {})[len(shape) > 1] = np.arange(start, stop).reshape(shape)
    ours: dict[str, dict[bool, tuple[int, ...]]] = {}
    for entry in arch.layout:
        ours.setdefault(entry.name.rpartition(".")[0], {})[len(entry.shape) > 1] = entry.shape
    if [sorted(each) for each in theirs.values()] != [sorted(each) for each in ours.values()]:
        raise CheckpointMismatch(f"{PLACES} has {len(theirs)} layers ({readable(', '.join(theirs))[:100]}), {arch.id} has {len(ours)}.")
    found, channels = {}, arch.input_shape[0]
    for (name, layer), wanted in zip(theirs.items(), ours.values()):
        for kernel, place in layer.items():
            turned = kernel_of(place, channels) if kernel else place
            if turned.shape != wanted[kernel]:
                raise CheckpointMismatch(
                    f"{PLACES}: {readable(name)[:60]} has the shape {turned.shape} in our order, {arch.id} has {wanted[kernel]}."
                )
            found[id(layer), kernel] = turned
        channels = max(layer.values(), key=lambda place: place.ndim).shape[-1]
    kernels = [(id(layer)) for layer in theirs.values()]
    names = dict(zip(ours, kernels))
    return np.concatenate([found[names[e.name.rpartition(".")[0]], len(e.shape) > 1].reshape(-1) for e in arch.layout])


def kernel_of(place: np.ndarray, channels: int) -> np.ndarray:
    """The places of a kernel in our order: [h, w, in, out] -> [out, in, h, w]; [in, out] -> [out, in], its inputs channels first where
    they are several positions of `channels`, flattened channels last."""
    if place.ndim == 4:
        return place.transpose(3, 2, 0, 1)
    if place.ndim != 2:
        return place
    inputs, outputs = place.shape
    if inputs > channels and inputs % channels == 0:
        place = place.reshape(inputs // channels, channels, outputs).transpose(1, 0, 2).reshape(inputs, outputs)
    return place.T


LAYOUT = SmallCnn()
