"""Where a zoo's shapes come from: procedural chairs, or a folder of meshes of anyone's making."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ...core.errors import DataMissing, InvalidValue
from .chairs import Chair, random_chair, samples, sdf, topology
from .config import ShapeZooConfig
from .meshes import MeshError, Shape, ShapeFile, read_folder, samples_of
from .pose import Pose
from .sampling import Samples

log = logging.getLogger(__name__)


class Source(Protocol):
    name: str  # how its instances' ids begin
    title: str

    def samples(self, index: int, count: int) -> Samples:
        """`count` queries of a shape, half of them inside in turn; the same at every call."""
        ...

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        """Its signed distances (M,)."""
        ...

    def columns(self) -> dict[str, list]:
        """What the table of instances says of the shapes: `seed` among it."""
        ...


class Chairs:
    """Chair i of a source is the chair of the seed 1 000 000 s + i."""

    name, title = "chairs", "Procedural chairs"

    def __init__(self, count: int, seed: int):
        self.seeds = [chair_seed(seed, i) for i in range(count)]

    @cached_property
    def chairs(self) -> list[Chair]:
        """Made when they are first asked for: a million takes minutes, and an estimate asks for a few queries."""
        return [random_chair(each) for each in self.seeds]

    def samples(self, index: int, count: int) -> Samples:
        return samples(random_chair(self.seeds[index]), count, self.seeds[index])

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        return sdf(random_chair(self.seeds[index]), points_M3)

    def columns(self) -> dict[str, list]:
        legs, slats, arms = zip(*map(topology, self.chairs))
        return {"seed": self.seeds, "legs": list(legs), "slats": list(slats), "arms": list(arms)}


def chair_seed(seed: int, index: int) -> int:
    return 1_000_000 * seed + index


def chairs_of(table) -> list[Chair] | None:
    """The exact chairs of a zoo's table, from their stored seeds; None for a zoo of other shapes."""
    return [random_chair(int(seed)) for seed in table["seed"]] if "legs" in table else None


def looked_at(folder: Path, pose: Pose, seed: int = 0) -> Iterator[tuple[ShapeFile, Shape | MeshError]]:
    """The files of shapes below a folder, by name: what can be sampled, or why it cannot be used."""
    for file, shape in read_folder(folder, pose):
        try:
            if not isinstance(shape, MeshError):
                samples_of(file.name, shape, 2, seed)
            yield file, shape
        except MeshError as error:
            yield file, error


class Folder:
    """The meshes and DeepSDF files below a folder, by name; those that cannot be used are said and passed over."""

    name = "mesh"

    def __init__(self, folder: Path, count: int, seed: int, pose: Pose = Pose()):
        self.title, self.seed = f"Meshes of {folder.name}", seed
        self.names: list[str] = []
        self.shapes: list[Shape] = []
        left_out = 0
        for file, shape in looked_at(folder, pose, seed):
            if isinstance(shape, MeshError):
                left_out += 1
                log.warning("Left out: %s", shape)
                continue
            for note in shape.notes:
                log.warning("%s: %s", file.name, note)
            self.names.append(file.name)
            self.shapes.append(shape)
            if len(self.shapes) == count:
                return
        lacking = f"; {left_out} more cannot be used, see above" if left_out else ""
        raise InvalidValue(
            f"{folder} holds {len(self.shapes)} usable shapes{lacking}. The zoo needs {count}: set --train, --val and --test to that "
            "many in all."
        )

    def samples(self, index: int, count: int) -> Samples:
        return self.shapes[index].samples(count, self.seed)

    def sdf(self, index: int, points_M3: np.ndarray) -> np.ndarray:
        """Of a DeepSDF file, whose shape is known by its samples alone: from the nearest of them."""
        return self.shapes[index].sdf(points_M3)

    def columns(self) -> dict[str, list]:
        return {"seed": [self.seed] * len(self.names), "file": self.names}


def source(dataset: str, count: int, seed: int, pose: Pose = Pose()) -> Source:
    """The shapes of a zoo's `dataset`: "chairs", or a folder. Raises DataMissing, InvalidValue."""
    if dataset == "chairs":
        return Chairs(count, seed)
    if not Path(dataset).is_dir():
        raise DataMissing(
            f"There are no shapes {dataset[:200]!r}: use 'chairs', or an existing folder of OBJ, PLY, STL, OFF, GLB or NPZ files."
        )
    return Folder(Path(dataset), count, seed, pose)


def source_of(config: ShapeZooConfig) -> Source:
    """The shapes of a zoo's config. Raises DataMissing, InvalidValue."""
    if config.dataset == "chairs" and (config.up, config.turn) != ("y", 0):
        raise InvalidValue("up and turn are for a folder of meshes: the built-in chairs are upright already.")
    return source(config.dataset, config.instances, config.seed, Pose(config.up, config.turn))
