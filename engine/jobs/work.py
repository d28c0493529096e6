"""What jobs do: make an artifact, or descend in a space. Runs in a process of the worker's own making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor

from .. import presets
from ..core.artifacts import Artifact, Store, load_checkpoint, manifest_hash, write_atomic
from ..core.clocks import Took
from ..core.config import digest
from ..core.errors import CorruptArtifact, InvalidValue, Stopped
from ..core.provenance import command_line, provenance
from ..core.tensors import to_bytes
from ..host.export import of_space
from ..host.host import device_of, on_cpu
from ..kinds.netspace import kept
from ..kinds.netspace.learnt import learnt
from ..kinds.netspace.outside import Outside
from ..kinds.netspace.space import MAP_2D, Space, load_space
from ..kinds.netspace.targets import target
from ..kinds.netspace.umap_map import place
from ..learn.config import LsoConfig
from ..learn.loop import run
from ..learn.lso import Lso
from ..make import train
from ..tasks.task import Descent
from ..zoos.config import ImportConfig
from ..zoos.importing import import_zoo
from . import clouds, specs
from .folder import Folder, Reporter

FILE = "result.safetensors"


def carry_out(
    store: Store, spec: dict, path: Path, stop: Callable[[], bool], device: str | None = None, threads: int = 0, ray: bool = False
) -> dict:
    """Do what a spec says, from its checkpoint if there is one; what is said at the end. Raises Stopped when it was stopped (the
    checkpoint and, of an LSO, the best so far are kept), and all that training and storing raise.

    `threads` that it may compute on (0: as many as torch takes); with `ray` a zoo's stacks are tasks of the cluster that this runs on."""
    reporter = Reporter(path, spec, stop)
    torch.set_num_threads(threads or torch.get_num_threads())
    config, on = specs.config_of(spec), str(device_of(device))
    if spec["kind"] == "lso":
        return descend(store, config, reporter, on)
    if spec["kind"] == "import":
        return take_in(store, spec, config, reporter, on, ray)
    if ray:
        from .ray_zoo import fan_out

        fan_out(store, config, spec["id"], reporter)
    artifact = train(store, spec["preset"], config, on, reporter.progress, spec["id"], spec.get("replace", False))
    result = {"artifact": artifact.id, "kind": artifact.manifest.kind, "metrics": artifact.manifest.metrics}
    if spec["preset"] in presets.open_presets():
        found = learnt(load_space(store, artifact.id, on))
        print(found.table(), *found.words, sep="\n")
        result["learnt"] = found.as_json()
    reporter.conclude(result)
    return result


def take_in(store: Store, spec: dict, config: ImportConfig, reporter: Reporter, device: str, ray: bool) -> dict:
    """The import of a zoo; with `ray` its parts are read and measured as tasks of the cluster. Raises what `import_zoo` raises."""
    crew = None
    if ray:
        from .ray_zoo import RayCrew

        crew = RayCrew()
    artifact, report = import_zoo(store, config, spec["id"], device, reporter.progress, spec.get("replace", False), reporter.stop, crew)
    result = {"artifact": artifact.id, "kind": artifact.manifest.kind, "metrics": artifact.manifest.metrics}
    if report is not None:
        print(*report.lines(), sep="\n")
        result["import"] = report.as_json()
    reporter.conclude(result)
    return result


def start_of(space: Space, config: LsoConfig) -> tuple[Tensor, int]:
    """(embedding [E], row of the instance nearest to it) where an LSO starts. Raises UnknownId."""
    if config.xy is not None:
        picture_N2 = space.table[MAP_2D].to_numpy()
        embeddings_NE = space.embeddings_NE.cpu().numpy()
        start_E = place(np.array([config.xy], dtype=picture_N2.dtype), picture_N2, embeddings_NE)[0]
        start_E = torch.from_numpy(start_E.astype(np.float32)).to(space.embeddings_NE.device)
    else:
        a = space.row(config.a)
        start_E = (
            torch.lerp(space.embeddings_NE[a], space.embeddings_NE[space.row(config.b)], config.gamma)
            if config.b
            else space.embeddings_NE[a]
        )
    return start_E, int(torch.cdist(start_E[None], space.embeddings_NE).argmin())


def descent_of(store: Store, space: Space, config: LsoConfig, start_E: Tensor) -> Descent:
    """What an LSO descends from an embedding [E]. Raises InvalidValue where it does not fit the space, DataMissing where its images are
    not available, UnknownId."""
    space.task.check_objective(space.id, config.objective, space.several)
    return space.task.descent(space, config, start_E, partial(target, store, space), partial(cloud, store))


def make_lso(store: Store, space: Space, config: LsoConfig) -> Lso:
    """The descent before its first step. Raises what `descent_of` raises."""
    start_E = start_of(space, config)[0]
    found = descent_of(store, space, config, start_E)
    lr = config.lr * float(space.embeddings_NE.std())
    return Lso(found.decode, start_E[None], found.objective, config.steps, lr, config.validate_every, found.terms)


def cloud(store: Store, name: str) -> Tensor:
    """The cloud of points [B, 3] of that name."""
    return torch.from_numpy(clouds.load(store, name))


def descend(store: Store, config: LsoConfig, reporter: Reporter, device: str) -> dict:
    """An LSO to its end, or to where it is stopped; the test split is looked at then, once."""
    space = load_space(store, config.space, device)
    lso = make_lso(store, space, config)
    start_E = lso.embedding_NE[0].clone()
    on_step = reporter.progress(config.space, config.steps)

    def say(step: int, metrics: dict[str, float]) -> None:
        flat, solid = space.place_on_map(lso.embedding_NE)
        (outside,) = space.outside(lso.embedding_NE)
        on_step(step, metrics, xy=flat[0].tolist(), xyz=solid[0].tolist(), outside=outside.outside)

    checkpoint, tag = reporter.path / "checkpoint.safetensors", digest(config, manifest_hash(store.open(config.space)))
    if load_checkpoint(checkpoint, tag) is None:
        say(0, lso.start)
    stopped = None
    try:
        run(lso, checkpoint, tag, say)
    except Stopped as error:
        stopped = error
    result = report(store, space, config, start_E, lso) | {"finished": stopped is None}
    arrays = {"start": start_E, "best": lso.best_NE[0], "last": lso.embedding_NE[0]}
    write_atomic(reporter.path / FILE, to_bytes({name: tensor.cpu().numpy() for name, tensor in arrays.items()}))
    reporter.conclude(result)
    if stopped is not None:
        raise stopped
    return result


def report(store: Store, space: Space, config: LsoConfig, start_E: Tensor, lso: Lso) -> dict:
    """Before and after: {"quality", "best_step", "validation", "outside", and "test" or "target"}, measured now."""
    return (found := figures(store, space, config, start_E, lso)) | {"outside": outside_of(space, config, lso.best_NE[0], found).as_json()}


def outside_of(space: Space, config: LsoConfig, best_E: Tensor, found: dict) -> Outside:
    """How far outside of the zoo an LSO ended. Towards another network's answers it places that network, and has an agreement."""
    reached = None
    if config.objective == "answers":
        reached = found["target"]["after"] if "target" in found else found["validation"]["after"]
    return space.outside(best_E[None], [reached])[0]


def figures(store: Store, space: Space, config: LsoConfig, start_E: Tensor, lso: Lso) -> dict:
    """What `report` measures of the networks."""
    ends = {"before": start_E, "after": lso.best_NE[0]}
    networks = {name: space.at(embedding_E) for name, embedding_E in ends.items()}
    found = {
        "quality": lso.objective.quality,
        "best_step": int(lso.best_step_N[0]),
        "validation": {"before": lso.start["val_quality"] if lso.start else None, "after": float(lso.best_quality_N[0])},
    }
    return found | space.task.lso_figures(space, config, networks, partial(target, store, space))


def found_embedding(path: Path, which: str = "best") -> np.ndarray:
    """An embedding [E] of a job's result: its start, best or last. Raises InvalidValue where there is none yet."""
    try:
        embedding_E = load_file(path / FILE)[which]
    except (OSError, SafetensorError, KeyError) as error:
        raise InvalidValue(f"{path.name} has found nothing yet: wait until it ends, or stop it.") from error
    if not np.isfinite(embedding_E).all():
        raise CorruptArtifact(f"{path.name} holds NaN or infinity: it cannot be kept.")
    return embedding_E


def found_bytes(store: Store, space: Space, spec: dict, path: Path) -> bytes:
    """The safetensors file of the best network that an LSO found. Raises InvalidValue where there is none yet."""
    config, result = specs.config_of(spec), Folder(path).result()
    found = space.at(torch.from_numpy(found_embedding(path)).to(space.embeddings_NE))
    metrics = space.task.kept_metrics(space, config, found, result)
    said = {"found": command_line(specs.command(spec)), "best_step": str(result["best_step"])}
    return of_space(store, space, on_cpu(found), metrics, said)


def keep(store: Store, spec: dict, path: Path, name: str | None = None, replacing: bool = False) -> Artifact:
    """Make what an LSO found an instance of its space, under a person's `name` for it; `replacing`: instead of the kept one that has
    the name. Raises InvalidValue, StorageError."""
    config, result = specs.config_of(spec), Folder(path).result()
    embedding_E = found_embedding(path)
    space = load_space(store, config.space, "cpu")
    found = space.at(torch.from_numpy(embedding_E))
    metrics = space.task.kept_metrics(space, config, found, result)
    metrics |= outside_of(space, config, torch.from_numpy(embedding_E), result).metrics()
    lineage = asdict(config) | {"best_step": result["best_step"]}
    took = Took(*(Folder(path).status().get(each, 0.0) for each in ("seconds", "cpu_seconds")))
    made = provenance(took, "cpu", specs.command(spec))
    return kept.save(
        store,
        space,
        start_of(space, config)[1],
        embedding_E,
        found.parameters_P.numpy(),
        found.arch.id,
        lineage,
        metrics,
        made,
        name,
        replacing,
    )
