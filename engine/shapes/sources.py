"""Where a zoo's shapes come from: procedural chairs, or a folder of meshes of anyone's making."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import DataMissing, InvalidValue
from .chairs import Chair, random_chair, samples, sdf, topology
from .meshes import MeshError, MeshShape, mesh_files, read_deepsdf, read_mesh
from .sampling import NoInside, Samples

DEEPSDF_SAMPLES = 200_000  # of a file, where they stand for its shape
log = logging.getLogger(__name__)


class Source(Protocol):
    name: str  # how its instances' ids begin
    title: str

    def samples(self, index: int, count: int) -> Samples:
        """`count` queries of a shape, half of them inside in turn; the same at every call."""

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        """Its signed distances (M,)."""

    def columns(self) -> dict[str, list]:
        """What the table of instances says of the shapes: `seed` among it."""


class Chairs:
    """Chair i of a source is the chair of the seed 1 000 000 s + i."""

    name, title = "chairs", "Procedural chairs"

    def __init__(self, count: int, seed: int):
        self.seeds = [chair_seed(seed, i) for i in range(count)]
        self.chairs = [random_chair(each) for each in self.seeds]

    def samples(self, index: int, count: int) -> Samples:
        return samples(self.chairs[index], count, self.seeds[index])

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        return sdf(self.chairs[index], points_M3)

    def columns(self) -> dict[str, list]:
        legs, slats, arms = zip(*map(topology, self.chairs))
        return {"seed": self.seeds, "legs": list(legs), "slats": list(slats), "arms": list(arms)}


def chair_seed(seed: int, index: int) -> int:
    return 1_000_000 * seed + index


def chairs_of(table) -> list[Chair] | None:
    """The exact chairs of a zoo's table, from their stored seeds; None for a zoo of other shapes."""
    return [random_chair(int(seed)) for seed in table["seed"]] if "legs" in table else None


class Folder:
    """The meshes and DeepSDF files of a folder, by name; those that cannot be used are said and passed over."""

    name = "mesh"

    def __init__(self, folder: Path, count: int, seed: int):
        self.title, self.seed = f"Meshes of {folder.name}", seed
        self.paths, self.shapes = [], []
        for path in mesh_files(folder):
            try:
                shape = None if path.suffix.lower() == ".npz" else read_mesh(path)
                (shape.samples(2, seed) if shape else read_deepsdf(path, 2, seed))
            except (MeshError, NoInside) as error:
                log.warning("%s is left out: %s", path.name, error)
                continue
            self.paths.append(path)
            self.shapes.append(shape)
            if len(self.paths) == count:
                return
        raise InvalidValue(f"{folder} holds {len(self.paths)} usable shapes, the zoo needs {count}: set --train, --val and --test to that many in all.")

    def samples(self, index: int, count: int) -> Samples:
        shape: MeshShape | None = self.shapes[index]
        return shape.samples(count, self.seed) if shape else read_deepsdf(self.paths[index], count, self.seed)

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        """Of a DeepSDF file, whose shape is known by its samples alone: the distance of the nearest one."""
        if self.shapes[index]:
            return self.shapes[index].sdf(points_M3)
        from scipy.spatial import cKDTree

        points_Q3, sdf_Q = read_deepsdf(self.paths[index], DEEPSDF_SAMPLES, self.seed)
        return sdf_Q[cKDTree(points_Q3).query(points_M3)[1]]

    def columns(self) -> dict[str, list]:
        return {"seed": [self.seed] * len(self.paths), "file": [path.name for path in self.paths]}


def source(dataset: str, count: int, seed: int) -> Source:
    """The shapes of a zoo's `dataset`: "chairs", or a folder. Raises DataMissing, InvalidValue."""
    if dataset == "chairs":
        return Chairs(count, seed)
    if not Path(dataset).is_dir():
        raise DataMissing(f"There are no shapes {dataset[:200]!r}: use 'chairs', or an existing folder of OBJ, PLY, STL, OFF, GLB or NPZ files.")
    return Folder(Path(dataset), count, seed)
