"""All that can be checked of a job when it is submitted: what its process would refuse is refused here, in the same words, without
loading a space.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import datasets
from ..archs import Architecture, architecture
from ..core.artifacts import Store
from ..core.errors import UnknownId, closest
from ..kinds.netspace import kept
from ..kinds.netspace.targets import check_fits, target_arch
from ..learn.config import LsoConfig
from ..make import check as check_training
from ..tasks import task_of
from ..tasks.task import Task
from ..zoos.importing import check as check_import
from . import clouds, specs


@dataclass(frozen=True)
class Outline:
    """What a space is, without its tensors."""

    id: str
    ids: tuple[str, ...]  # of its instances and of what was kept in it
    archs: tuple[Architecture, ...]
    dataset: str  # of its zoo
    pixels: int  # a side, of networks that are pictures which are not here; else 0

    @property
    def several(self) -> bool:
        return len(self.archs) > 1

    @property
    def task(self) -> Task:
        return task_of(self.archs[-1].task)


def check(store: Store, spec: dict) -> None:
    """Raises what the job of a spec would fail with, as far as that can be told: UnknownId, InvalidValue, DataMissing, ..."""
    config = specs.config_of(spec)
    if spec["kind"] == "lso":
        check_lso(store, config)
    elif spec["kind"] == "import":
        check_import(store, config, spec["id"], spec.get("replace", False))
    else:
        check_training(store, config)


def outline(store: Store, id_: str) -> Outline:
    """Raises UnknownId, InvalidValue, CorruptArtifact."""
    artifact = store.open(id_, "netspace")
    zoo = store.made_from(artifact, next(iter(artifact.manifest.inputs), "")).manifest.config
    names = zoo.get("architectures") or [zoo.get("architecture")]
    ids = (*map(str, artifact.table("instances.parquet")["id"]), *kept.ids(store, id_))
    return Outline(id_, ids, tuple(architecture(str(name)) for name in names), str(zoo.get("dataset")), zoo.get("pixels", 0))


def check_lso(store: Store, config: LsoConfig) -> None:
    space = outline(store, config.space)
    for name in filter(None, (config.a, config.b)):
        if name not in space.ids:
            hint = (
                " It is a network of its own: place it in the space first, or name it with --target."
                if store.has(name)
                else closest(name, space.ids)
            )
            raise UnknownId(f"There is no instance {name[:100]!r} in {space.id}.{hint}")
    space.task.check_objective(space.id, config.objective, space.several)
    if config.objective == "cloud":
        clouds.load(store, config.target)
    elif space.task.check_target(config, space.dataset, space.several, space.pixels) and config.target not in space.ids:
        check_fits(config.target, target_arch(store, space.id, config.target, space.ids), space.id, space.archs[-1])
    if space.task.alone:
        datasets.load(space.dataset).suited(*space.archs)
    if config.architecture and config.architecture not in (known := [arch.id for arch in space.archs]):
        raise UnknownId(f"There is no architecture {config.architecture[:60]!r} in {space.id}.{closest(config.architecture, known)}")
