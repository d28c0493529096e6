"""DeepSDF's sample files: points with their signed distances, inside and outside, that stand for a shape.

Shape suffixes: Q queries, K nearest samples, 3 coordinates, 4 with the distance.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InvalidValue
from .chairs import RADIUS
from .pose import Pose
from .sampling import Samples, balanced

if TYPE_CHECKING:
    from scipy.spatial import KDTree

MAX_SAMPLES = 20_000_000  # rows of a table (DeepSDF's own have 250 000)
KEPT = 100_000  # of each side: what stands for the shape
NEAREST = 8  # samples whose distances a point's own is the mean of
SMALLEST = 0.4  # radius of the inside, below which a file is in other units than DeepSDF's ball
FEW, CHECKED = 400, 4000  # samples: fewer tell nothing of their distances; more are not looked at
SLACK, STEEP = 1.1, 0.05  # the share of samples that may differ from their neighbour by more than SLACK times the way to it
FAR = 0.15  # from the inside: there the distance is to be told


@dataclass(frozen=True)
class SampleShape:
    """A shape known by samples: `outside_Q4` and `inside_Q4`, float32 rows of x, y, z and distance; as DeepSDF, in the unit ball."""

    outside_Q4: np.ndarray
    inside_Q4: np.ndarray
    notes: list[str] = field(default_factory=list)

    def samples(self, count: int, seed: int) -> Samples:
        """``count`` of the samples (rounded up to even), half of them inside in turn."""
        return balanced(self.inside_Q4, self.outside_Q4, count, seed)

    def sdf(self, points_M3: np.ndarray) -> np.ndarray:
        """Signed distances (M,): the mean of the nearest samples', the nearer the weightier."""
        tree, sdf_Q = self._tree
        apart_MK, place_MK = tree.query(np.asarray(points_M3, np.float32), k=min(NEAREST, len(sdf_Q)))
        apart_MK, place_MK = apart_MK.reshape(len(points_M3), -1), place_MK.reshape(len(points_M3), -1)
        weight_MK = 1 / (apart_MK + 1e-6) ** 2
        return (sdf_Q[place_MK] * weight_MK).sum(1) / weight_MK.sum(1)

    @cached_property
    def _tree(self) -> tuple[KDTree, np.ndarray]:
        from scipy.spatial import KDTree

        both_Q4 = np.concatenate([self.outside_Q4, self.inside_Q4])
        return KDTree(both_Q4[:, :3]), both_Q4[:, 3].astype(np.float64)


def parse(content: bytes, pose: Pose) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The tables `pos` and `neg` of an ``.npz`` file, upright, in the unit ball, at most KEPT rows each; and notes.

    Rows that are not finite are left out, as DeepSDF does. Raises InvalidValue ("problem; remedy") for what is no such file
    and for distances that are not those of its points; nothing is read before the sizes in the headers were checked.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        absent = [name for name in ("pos", "neg") if f"{name}.npy" not in archive.namelist()]
        if absent:
            raise InvalidValue(f"has no array '{absent[0]}'; a DeepSDF sample file holds 'pos' and 'neg', rows of x, y, z and distance")
        for name in ("pos", "neg"):
            check_header(name, *npy_header(archive, f"{name}.npy"))
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        tables = [np.asarray(arrays[name], np.float32) for name in ("pos", "neg")]
    outside, inside = (thinned(table[np.isfinite(table).all(-1)]) for table in tables)
    if not len(outside) or not len(inside):
        raise InvalidValue("has samples on one side of the surface only; both 'pos' and 'neg' need finite rows")
    if (outside[:, 3] < 0).any() or (inside[:, 3] > 0).any():
        raise InvalidValue("has distances of the wrong sign; 'pos' is outside (>= 0), 'neg' inside (<= 0)")
    outside, inside, notes = in_the_ball(outside, inside)
    check_distances(outside, inside)
    for table in (outside, inside):
        table[:, :3] = pose.stand(table[:, :3])
    return outside, inside, notes


def check_header(name: str, shape: tuple, dtype: np.dtype) -> None:
    if dtype.kind != "f":
        raise InvalidValue(f"holds {str(dtype)[:40]} in '{name}'; rows are floats: x, y, z and the distance")
    if len(shape) != 2 or shape[1] != 4:
        raise InvalidValue(f"'{name}' has shape {str(shape)[:60]}; rows are x, y, z and the distance")
    if shape[0] > MAX_SAMPLES:
        raise InvalidValue(f"'{name}' has {shape[0]:,} rows; at most {MAX_SAMPLES:,} are read: thin it out")


def npy_header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def thinned(table_Q4: np.ndarray) -> np.ndarray:
    """At most KEPT rows, the same at every call."""
    if len(table_Q4) <= KEPT:
        return table_Q4.copy()
    return table_Q4[np.sort(np.random.default_rng(0xD5DF).choice(len(table_Q4), KEPT, replace=False))]


def in_the_ball(outside_Q4: np.ndarray, inside_Q4: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Samples in other units than DeepSDF's, where shapes fill a ball of 1/1.03, brought to it; what lies outside of the cube then goes."""
    low_3, high_3 = inside_Q4[:, :3].min(0), inside_Q4[:, :3].max(0)
    middle_3 = (low_3 + high_3) / 2
    radius = float(np.linalg.norm(inside_Q4[:, :3] - middle_3, axis=-1).max())
    if not radius > 0:
        raise InvalidValue("has all of its inside in one point; sample it again")
    if SMALLEST <= radius <= 1.05 and abs(inside_Q4[:, :3]).max() <= 1.05:
        return outside_Q4, inside_Q4, []
    scale = RADIUS / radius
    for table in (outside_Q4, inside_Q4):
        table[:, :3] = (table[:, :3] - middle_3) * scale
        table[:, 3] *= scale
    outside_Q4 = outside_Q4[(abs(outside_Q4[:, :3]) <= 1).all(-1)]
    if not len(outside_Q4):
        raise InvalidValue("has no samples outside of the shape and near it; sample it again, in DeepSDF's unit ball")
    return outside_Q4, inside_Q4, [f"Its samples are in other units than DeepSDF's unit ball: they were scaled by {scale:.3g}."]


def check_distances(outside_Q4: np.ndarray, inside_Q4: np.ndarray) -> None:
    """Distances that are not those of the points, by their unit or their kind, are refused: they change by no more than points
    are apart, and far from the inside they are about as large as the way to the nearest inside sample. Raises InvalidValue."""
    from scipy.spatial import KDTree

    both_Q4 = np.concatenate([outside_Q4, inside_Q4])
    if len(both_Q4) < FEW:
        return
    random = np.random.default_rng(0xC4EC)
    rows = random.choice(len(both_Q4), min(CHECKED, len(both_Q4)), replace=False)
    apart, near = map(np.asarray, KDTree(both_Q4[:, :3]).query(both_Q4[rows, :3], k=2))
    differ = abs(both_Q4[rows, 3] - both_Q4[near[:, 1], 3])
    steep = (differ > SLACK * apart[:, 1] + 1e-4).mean() > STEEP
    rows = random.choice(len(outside_Q4), min(CHECKED, len(outside_Q4)), replace=False)
    way = KDTree(inside_Q4[:, :3]).query(outside_Q4[rows, :3])[0]
    far = way > FAR
    small = far.sum() >= 20 and np.median(outside_Q4[rows, 3][far] / way[far]) < 0.5
    if steep or small:
        how = "jump" if steep else "are too small, or cut off"
        raise InvalidValue(f"has distances that do not fit its points (they {how}); give both in one unit")
