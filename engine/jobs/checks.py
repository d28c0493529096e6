"""All that can be checked of a job when it is submitted: what its process would refuse is refused here, in the same words, without
loading a space.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import datasets
from ..archs import Architecture, architecture
from ..artifacts import Store
from ..checks import check_training
from ..config import LsoConfig
from ..errors import InvalidValue, UnknownId, closest
from ..netspace import kept
from ..netspace.model import answer_of
from ..targets import check_fits, target_arch
from . import clouds, specs

SHAPE_OBJECTIVES, IMAGE_OBJECTIVES = ("answers", "cloud"), ("distillation", "task", "answers")


@dataclass(frozen=True)
class Outline:
    """What a space is, without its tensors."""

    id: str
    ids: tuple[str, ...]  # of its instances and of what was kept in it
    archs: tuple[Architecture, ...]
    dataset: str  # of its zoo

    @property
    def several(self) -> bool:
        return len(self.archs) > 1

    @property
    def is_shapes(self) -> bool:
        return answer_of(self.archs[-1]) is not None


def check(store: Store, spec: dict) -> None:
    """Raises what the job of a spec would fail with, as far as that can be told: UnknownId, InvalidValue, DataMissing, ..."""
    config = specs.config_of(spec)
    check_lso(store, config) if spec["kind"] == "lso" else check_training(store, config)


def outline(store: Store, id_: str) -> Outline:
    """Raises UnknownId, InvalidValue, CorruptArtifact."""
    artifact = store.open(id_, "netspace")
    zoo = store.made_from(artifact, next(iter(artifact.manifest.inputs), "")).manifest.config
    names = zoo.get("architectures") or [zoo.get("architecture")]
    ids = (*map(str, artifact.table("instances.parquet")["id"]), *kept.ids(store, id_))
    return Outline(id_, ids, tuple(architecture(str(name)) for name in names), str(zoo.get("dataset")))


def check_lso(store: Store, config: LsoConfig) -> None:
    space = outline(store, config.space)
    for name in filter(None, (config.a, config.b)):
        if name not in space.ids:
            hint = " It is a network of its own: place it in the space first, or name it with --target." if store.has(name) else closest(name, space.ids)
            raise UnknownId(f"There is no instance {name[:100]!r} in {space.id}.{hint}")
    check_objective(space.id, config.objective, space.is_shapes, space.several)
    if config.objective == "cloud":
        clouds.load(store, config.target)
    elif config.target and (config.objective != "task" or space.several) and config.target not in space.ids:
        check_fits(config.target, target_arch(store, space.id, config.target, space.ids), space.id, space.archs[-1])
    if not space.is_shapes:
        datasets.load(space.dataset).suited(*space.archs)
    if config.architecture and config.architecture not in (known := [arch.id for arch in space.archs]):
        raise UnknownId(f"There is no architecture {config.architecture[:60]!r} in {space.id}.{closest(config.architecture, known)}")


def check_objective(space_id: str, objective: str, is_shapes: bool, several: bool) -> None:
    """Raises InvalidValue where an objective does not fit what a space holds."""
    fits = SHAPE_OBJECTIVES if is_shapes else IMAGE_OBJECTIVES
    if objective not in fits:
        raise InvalidValue(f"{space_id} holds {'shapes' if is_shapes else 'classifiers'}: the objective is one of {', '.join(fits)}.")
    if several and objective == "answers":
        raise InvalidValue(f"{space_id} holds several architectures: the objective is distillation or task.")
