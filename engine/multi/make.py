"""From a preset of several architectures to artifacts; see engine.make."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import torch

from .. import datasets, presets
from ..archs import architecture
from ..artifacts import Artifact, Manifest, Store, manifest_hash
from ..core.metrics import mean as metric
from ..make import checkpoint_path, is_whole, provenance, train_to_end
from ..naming import artifact_id, train_arguments
from ..nets.networks import recording
from ..netspace.space import MAP_2D, MAP_3D
from ..netspace.umap_map import project
from ..stacked import accuracies
from ..took import stopwatch, times
from .config import MultiSpaceConfig, MultiZooConfig
from .evaluate import evaluate_multi, networks
from .lso import evaluate_lso
from .model import accuracies_by_architecture
from .space import load_multi_space, load_multi_zoo
from .training import MultiSpaceTraining
from .zoo import TEACHER, MultiZoo, MultiZooTraining


def make_any(store: Store, preset: str, config: MultiZooConfig | MultiSpaceConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    """Make a zoo or space of several architectures."""
    return (make_zoo if isinstance(config, MultiZooConfig) else make_space)(store, preset, config, device, progress, id_, replacing)


def make_zoo(store: Store, preset: str, config: MultiZooConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    images = datasets.load(config.dataset, device).suited(*map(architecture, config.architectures))
    trainee = MultiZooTraining(config, images)
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total))
    took = stopwatch(outcome.took)
    zoo = trainee.zoo(id_)
    metrics = zoo_metrics(zoo, images)
    title = f"{', '.join(arch.family for arch in zoo.archs)} on {images.title}"
    made = recording(provenance(took(), device, train_arguments(preset, config, id_)), images.preprocessing)
    manifest = Manifest(id_, "zoo", title, "", preset, asdict(config), metrics=metrics, provenance=made)
    dtype = np.float16 if config.half else np.float32
    parts = {arch.id: zoo.parameters_NZ[torch.tensor(zoo.table["class_id"] == number), : arch.parameters] for number, arch in enumerate(zoo.archs)}
    arrays = {name: tensor.cpu().numpy().astype(dtype) for name, tensor in {**parts, TEACHER: zoo.teacher_P}.items()}
    artifact = store.write(manifest, {"parameters.safetensors": arrays}, {"instances.parquet": zoo.table}, replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    return artifact


def make_space(store: Store, preset: str, config: MultiSpaceConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    zoo_id = artifact_id(config.zoo, config.seed)
    zoo_config = replace(presets.config(config.zoo), seed=config.seed)
    if not is_whole(store, zoo_id, zoo_config):
        make_zoo(store, config.zoo, zoo_config, device, progress, zoo_id, replacing)
    zoo_artifact = store.open(zoo_id, "zoo")
    zoo = load_multi_zoo(store, zoo_id, device)
    images = datasets.load(zoo.dataset, device).suited(*zoo.archs).seen_by(zoo.preprocessing)
    trainee = MultiSpaceTraining(config, zoo, images)
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total), zoo_artifact)
    took = stopwatch(outcome.took)
    model = trainee.model
    model.load_state_dict(trainee.chosen())
    model.eval().requires_grad_(False)
    embeddings_NE = torch.cat([model.encode(part) for part in zoo.parameters_NZ.split(64)])
    predicted_NZ, ids_N = networks(model, embeddings_NE)
    table = zoo.table.copy()
    table["predicted_class_id"] = ids_N.cpu().numpy()
    table["seen"] = [config.train[id_] > 0 for id_ in table["class_id"]]
    for split in datasets.SPLITS:
        shown = images if split == "test" else images.first(config.measured)
        found = accuracies_by_architecture(predicted_NZ, ids_N, shown.images[split], shown.labels[split], zoo.archs)
        table[f"predicted_{split}_accuracy"] = found.cpu().numpy()
    table[MAP_2D], table[MAP_3D] = project(embeddings_NE.cpu().numpy())
    metrics = evaluate_multi(model, zoo, images, config.train, "test", "test") | evaluate_lso(model, zoo, images, config.train, measured=config.measured)
    metrics |= times(took(), "zoo and space from scratch", zoo_artifact.manifest.provenance)
    inputs = {zoo_id: {"sha256": manifest_hash(zoo_artifact)}}
    manifest = Manifest(id_, "netspace", zoo_artifact.manifest.title, "", preset, asdict(config), inputs, metrics, provenance(took(), device, train_arguments(preset, config, id_)))
    arrays = {
        "model.safetensors": {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()},
        "embeddings.safetensors": {"embeddings": embeddings_NE.cpu().numpy()},
    }
    artifact = store.write(manifest, arrays, {"instances.parquet": table}, replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    return artifact


def zoo_metrics(zoo: MultiZoo, images) -> dict:
    """Mean test accuracy of each architecture's instances, and the teacher's."""
    metrics = {}
    for id_, arch in enumerate(zoo.archs):
        rows = [row for split in datasets.SPLITS for row in zoo.rows(split, id_)]
        metrics[f"accuracy_{arch.id}"] = metric(zoo.table["test_accuracy"].iloc[rows], "all instances, test images")
    teacher = accuracies(zoo.teacher_P[None], images.images["test"], images.labels["test"], zoo.teacher)
    return metrics | {"teacher_accuracy": metric(teacher.cpu().numpy(), "test images")}


def reevaluate(store: Store, artifact: Artifact, device: str, seed: int | None = None) -> dict:
    """The metrics of an artifact of several architectures, measured again from its weights."""
    if artifact.manifest.kind == "zoo":
        zoo = load_multi_zoo(store, artifact.id, device)
        return zoo_metrics(zoo, datasets.load(zoo.dataset, device).suited(*zoo.archs).seen_by(zoo.preprocessing))
    space = load_multi_space(store, artifact.id, device)
    config, images, seed = space.config, space.needed_images(), seed or 0
    found = evaluate_multi(space.model, space.zoo, images, config.train, "test", "test", seed)
    return found | evaluate_lso(space.model, space.zoo, images, config.train, seed=seed, measured=config.measured)
