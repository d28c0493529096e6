"""What jobs do: make an artifact, or descend in a space. Runs in a process of the worker's own making."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from ..artifacts import Artifact, Store, load_checkpoint, manifest_hash, write_atomic
from ..config import LsoConfig, digest
from ..errors import CorruptArtifact, InvalidValue, Stopped, UnknownId, closest
from ..host import device_of
from ..lso import Classifying, Cloud, Lso, Objective, Shaping
from ..make import provenance, train
from ..multi.lso import ClassifyingMany, wanting
from ..multi.space import MultiSpace
from ..netspace import kept
from ..netspace.evaluate import answers
from ..netspace.outside import Outside
from ..netspace.space import MAP_2D, Space, load_space
from ..netspace.umap_map import place
from ..shapes.networks import insides, ious, layers_of
from ..stacked import wilson
from ..targets import of_parameters, target
from ..took import Took
from ..training import run
from . import clouds, specs
from .checks import check_objective
from .folder import Folder, Reporter

FILE = "result.safetensors"


def carry_out(store: Store, spec: dict, path: Path, stop: Callable[[], bool], device: str | None = None) -> dict:
    """Do what a spec says, from its checkpoint if there is one; what is said at the end. Raises Stopped when it was stopped (the
    checkpoint and, of an LSO, the best so far are kept), and all that training and storing raise."""
    reporter = Reporter(path, spec, stop)
    torch.set_num_threads(int(os.environ.get("EXPLORER_THREADS") or torch.get_num_threads()))
    config, on = specs.config_of(spec), str(device_of(device))
    if spec["kind"] == "lso":
        return descend(store, config, reporter, on)
    if os.environ.get("EXPLORER_FAN_OUT"):
        from .ray_zoo import fan_out

        fan_out(store, config, spec["id"], reporter)
    artifact = train(store, spec["preset"], config, on, reporter.progress, spec["id"], spec.get("replace", False))
    result = {"artifact": artifact.id, "kind": artifact.manifest.kind, "metrics": artifact.manifest.metrics}
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
        start_E = torch.lerp(space.embeddings_NE[a], space.embeddings_NE[space.row(config.b)], config.gamma) if config.b else space.embeddings_NE[a]
    return start_E, int(torch.cdist(start_E[None], space.embeddings_NE).argmin())


def objective_of(store: Store, space: Space, config: LsoConfig) -> Objective:
    """What an LSO descends. Raises InvalidValue where it does not fit the space, DataMissing where its images are not here."""
    several = isinstance(space, MultiSpace)
    check_objective(space.id, config.objective, space.is_shapes, several)
    if config.objective == "cloud":
        cloud_B3 = torch.from_numpy(clouds.load(store, config.target)).to(space.embeddings_NE.device)
        return Cloud(space.arch, cloud_B3, config.batch, config.seed)
    if space.is_shapes:
        return Shaping(space.arch, target(store, space, config.target).layers(), config.batch, config.seed)
    images = space.choosing_images()
    if config.objective == "task" and not several:
        return Classifying(space.arch, images, None, 0.0, batch=config.batch, seed=config.seed)
    if several and not config.target:
        teacher = of_parameters("teacher", space.zoo.teacher, space.zoo.teacher_P)
    else:
        teacher = target(store, space, config.target)
    teachers = teacher.teachers(images)
    if several:
        found = ClassifyingMany(space.model, images, teachers, 0.0 if config.objective == "task" else config.alpha, config.batch, config.seed)
        found.temperature = config.temperature
        return found
    return Classifying(space.arch, images, teachers, config.alpha, config.temperature, config.batch, config.seed, own=config.objective == "answers")


def wanted(space: MultiSpace, config: LsoConfig, start_E: Tensor) -> int:
    """ClassId of the architecture that an LSO wants. Raises UnknownId."""
    if not config.architecture:
        return int(space.model.class_logits(start_E[None]).argmax())
    known = [arch.id for arch in space.archs]
    if config.architecture not in known:
        raise UnknownId(f"There is no architecture {config.architecture[:60]!r} in {space.id}.{closest(config.architecture, known)}")
    return known.index(config.architecture)


def make_lso(store: Store, space: Space, config: LsoConfig) -> Lso:
    """The descent before its first step."""
    spread = float(space.embeddings_NE.std())
    start_E, objective = start_of(space, config)[0], objective_of(store, space, config)
    decode, terms = space.model.decode, []
    if isinstance(space, MultiSpace):
        decode, terms = objective.decode, [wanting(space.model, torch.tensor([wanted(space, config, start_E)], device=start_E.device))]
    return Lso(decode, start_E[None], objective, config.steps, config.lr * spread, config.validate_every, terms)


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
    write_atomic(reporter.path / FILE, save({name: tensor.cpu().numpy() for name, tensor in arrays.items()}))
    reporter.conclude(result)
    if stopped is not None:
        raise stopped
    return result


def report(store: Store, space: Space, config: LsoConfig, start_E: Tensor, lso: Lso) -> dict:
    """Before and after: {"quality", "best_step", "validation", "outside", and "test" or "target"}, measured now."""
    return (found := figures(store, space, config, start_E, lso)) | {"outside": outside_of(space, config, lso.best_NE[0], found).said()}


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
    found = {"quality": lso.objective.quality, "best_step": int(lso.best_step_N[0]), "validation": {"before": lso.start["val_quality"] if lso.start else None, "after": float(lso.best_quality_N[0])}}
    if not space.is_shapes:
        return found | {"test": {name: right_of(space, each) for name, each in networks.items()}}
    if config.objective == "cloud":
        return found
    inside_NM = insides(target(store, space, config.target).layers())
    iou = {name: float(ious(insides(layers_of(each.parameters_P[None], each.arch)), inside_NM)[0]) for name, each in networks.items()}
    return found | {"target": {name: None if math.isnan(value) else value for name, value in iou.items()}}


@torch.no_grad()
def right_of(space: Space, found, split: str = "test") -> dict:
    """Answers of a network (of `space.at`) on a split: {"value", "right", "n", "low", "high", "per_class", "architecture"}."""
    images = space.needed_images() if split == "test" else space.choosing_images()
    labels_B = images.labels[split]
    answers_B = answers(found.parameters_P[None], images.images[split], found.arch)[0]
    right, n = int((answers_B == labels_B).sum()), len(labels_B)
    low, high = wilson(right, n)
    each = [(name, labels_B == k) for k, name in enumerate(images.classes)]
    per_class = [{"name": name, "right": int((answers_B[mask] == labels_B[mask]).sum()), "n": int(mask.sum())} for name, mask in each]
    return {"value": right / n, "right": right, "n": n, "low": low, "high": high, "split": split, "per_class": per_class, "architecture": found.arch.id}


def found_embedding(path: Path, which: str = "best") -> np.ndarray:
    """An embedding [E] of a job's result: its start, best or last. Raises InvalidValue where there is none yet."""
    try:
        embedding_E = load_file(path / FILE)[which]
    except (OSError, SafetensorError, KeyError) as error:
        raise InvalidValue(f"{path.name} has found nothing yet: wait until it ends, or stop it.") from error
    if not np.isfinite(embedding_E).all():
        raise CorruptArtifact(f"{path.name} holds NaN or infinity: it cannot be kept.")
    return embedding_E


def keep(store: Store, spec: dict, path: Path, name: str | None = None, replacing: bool = False) -> Artifact:
    """Make what an LSO found an instance of its space, under a person's `name` for it; `replacing`: instead of the kept one that has
    the name. Raises InvalidValue, StorageError."""
    config, result = specs.config_of(spec), Folder(path).result()
    embedding_E = found_embedding(path)
    space = load_space(store, config.space, "cpu")
    found = space.at(torch.from_numpy(embedding_E))
    metrics = {}
    if not space.is_shapes:
        for split in ("train", "val", "test"):
            measured = right_of(space, found, split)
            metrics[f"{split}_accuracy"] = {"value": measured["value"], "split": f"{split} images", "n": measured["n"]}
        before = result["test"]["before"]
        metrics["start_test_accuracy"] = {"value": before["value"], "split": "test images", "n": before["n"]}
        if config.objective == "answers":
            metrics["target_agreement"] = {"value": result["validation"]["after"], "split": "val images, with the target network", "n": len(space.choosing_images().labels["val"])}
    elif "target" in result:
        metrics["target_iou"] = {"value": result["target"]["after"], "split": "against the target network", "n": 1}
    metrics |= outside_of(space, config, torch.from_numpy(embedding_E), result).metrics()
    lineage = asdict(config) | {"best_step": result["best_step"]}
    took = Took(*(Folder(path).status().get(each, 0.0) for each in ("seconds", "cpu_seconds")))
    made = provenance(took, "cpu", specs.command(spec))
    return kept.save(store, space, start_of(space, config)[1], embedding_E, found.parameters_P.numpy(), found.arch.id, lineage, metrics, made, name, replacing)
