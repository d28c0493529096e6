"""A folder of meshes as a zoo: a network is fitted to each shape that can be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .. import presets
from ..core.artifacts import Artifact, Store, safe_name
from ..core.errors import InvalidValue
from ..core.slugs import slug
from ..kinds.zoo.loading import TABLE
from ..make import train
from ..tasks.distances.config import ShapeZooConfig
from ..tasks.distances.meshes import MeshError
from ..tasks.distances.pose import Pose
from ..tasks.distances.sources import looked_at
from ..tasks.distances.zoo import failed

PRESET = "zoo-chairs-probe"  # whose sizes and fits serve shapes of any kind
SHARE, LEAST = 0.1, {"val": 1, "test": 2}  # of the shapes that choose, and that are held out
NAMED = 10  # in a sentence
Axis = Literal["y", "-y", "z", "-z", "x", "-x"]


@dataclass(frozen=True)
class Fitted:
    """What became of a folder: shapes that were fitted, (file, reason) of those that were left out, and the fits that failed."""

    kept: int
    left: tuple[tuple[str, str], ...]
    failed: tuple[str, ...]

    def as_json(self) -> dict:
        left = [{"member": name, "reason": reason} for name, reason in self.left]
        return {"read": self.kept + len(left), "kept": self.kept, "left_out": left, "failed_fits": list(self.failed)}

    def lines(self) -> list[str]:
        """For people."""
        lines = [f"Fitted {self.kept:,} of {self.kept + len(self.left):,} shapes."]
        lines += [f"Left out: {reason}" for _, reason in self.left[:NAMED]]
        lines += [f"And {len(self.left) - NAMED:,} more."] if len(self.left) > NAMED else []
        if self.failed:
            lines.append(f"Fits that failed: {', '.join(self.failed[:NAMED])}{' ...' * (len(self.failed) > NAMED)}.")
        return lines


def fit_shapes(
    store: Store, path: Path, up: Axis, id_: str | None, seed: int, device: str, progress: Callable[[str, int], Any],
    replacing: bool = False, steps: int = 0,
) -> tuple[Artifact, Fitted]:  # fmt: skip
    """A zoo of the meshes below a folder, `up` their axis that points up; a stopped one resumes. `steps` of each fit; 0: the preset's.
    Raises InvalidValue where too few can be used, or more than half of the fits fail (the zoo is kept)."""
    id_ = safe_name(id_ or own_name(path))
    store.check_new(id_, replacing)
    config, left = planned(path, up, seed, steps)
    artifact = train(store, PRESET, config, device, progress, id_, replacing)
    return artifact, Fitted(config.instances, left, tuple(failed(artifact.table(TABLE))))


def own_name(path: Path) -> str:
    """The id of the zoo of a folder, where nobody names it."""
    return f"zoo-{slug(path.resolve().name) or 'shapes'}"


def planned(path: Path, up: Axis, seed: int = 0, steps: int = 0) -> tuple[ShapeZooConfig, tuple[tuple[str, str], ...]]:
    """(the config of a zoo of the meshes below a folder, (file, reason) of those that cannot be used); see `fit_shapes`. Raises
    InvalidValue."""
    if not path.is_dir():
        raise InvalidValue(f"There is no folder {str(path)[-200:]!r} of meshes.")
    base = presets.config(PRESET)
    found = list(looked_at(path, Pose(up), seed))
    left = tuple((file.name, str(shape)) for file, shape in found if isinstance(shape, MeshError))
    usable = len(found) - len(left)
    val, test = (max(least, round(SHARE * usable)) for least in LEAST.values())
    if usable - val - test < 2:
        first = f" The first that cannot be used: {left[0][1]}" if left else ""
        raise InvalidValue(f"{usable} shapes of {path.name} can be used, and a zoo of them needs at least 5.{first}")
    config = replace(
        base, dataset=str(path.resolve()), up=up, train=usable - val - test, val=val, test=test, seed=seed, steps=steps or base.steps
    )
    return config, left
