"""From a preset to an artifact: train, measure, write. Goes on where an earlier run stopped."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from . import datasets, presets
from .archs import Architecture, architecture
from .artifacts import Artifact, Manifest, Store, load_checkpoint, manifest_hash
from .config import ZOO_CONFIGS, ShapeZooConfig, ZooConfig, digest, is_shapes
from .core.metrics import single
from .cost import cost, in_words
from .errors import InvalidValue
from .learn.threads import threads_for
from .multi.config import MultiSpaceConfig, MultiZooConfig
from .naming import artifact_id, check_free, name_of, said, train_arguments
from .nern.config import NernConfig, NetworkConfig
from .nets.networks import recording
from .netspace.evaluate import evaluate
from .netspace.lso_evaluate import evaluate_lso
from .netspace.shape_evaluate import encode, evaluate_shapes
from .netspace.shape_training import ShapeSpaceTraining
from .netspace.space import MAP_2D, MAP_3D, load_space, load_zoo, read_config
from .netspace.training import NetSpaceTraining
from .netspace.umap_map import project
from .shapes import sheet
from .shapes import zoo as shape_zoo
from .shapes.sources import source_of
from .stacked import accuracies
from .took import Took, stopwatch, times
from .training import Outcome, run
from .zoo import ZooTraining, measure


def provenance(took: Took, device: str, arguments: list[str]) -> dict:
    """How an artifact came to be: the command that makes it again (its `arguments`), seconds of the clock and of processor time
    (stops left out), device, versions, commit."""
    root = Path(__file__).resolve().parent.parent
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True)
    return {
        "command": said(arguments),
        "seconds": round(took.seconds, 1),
        "cpu_seconds": round(took.cpu_seconds, 1),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else f"CPU, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "commit": commit.stdout.strip() or "unknown",
    }


def checkpoint_path(store: Store, id_: str) -> Path:
    return store.workspace / ".training" / id_ / "checkpoint.safetensors"


def train(store: Store, preset: str, config, device: str, progress, id_: str | None = None, replacing: bool = False) -> Artifact:
    """Make the artifact of a preset's config. `progress(title, total)` gives an `on_step(step, metrics)`; `id_` names the
    artifact otherwise than `name_of` does; `replacing`: another artifact of that name is replaced, and kept aside. Small networks
    train on one thread (`engine.learn.threads`).

    Raises InvalidValue before the first step where the name is taken, and what training and storing raise; KeyboardInterrupt
    keeps the checkpoint.
    """
    from .checks import check_training  # it imports this module

    id_ = id_ or name_of(preset, config)
    check_free(store, preset, config, id_, replacing)
    check_training(store, config)
    with threads_for(largest(store, config)):
        return maker(config)(store, preset, config, device, progress, id_, replacing)


def maker(config) -> Callable[..., Artifact]:
    """What makes the artifact of such a config."""
    if isinstance(config, NernConfig | NetworkConfig):
        from .nern.make import make_any  # it imports this module

        return make_any
    if isinstance(config, MultiZooConfig | MultiSpaceConfig):
        from .multi.make import make_any as make_multi  # it imports this module

        return make_multi
    return make_zoo if isinstance(config, ZOO_CONFIGS) else make_netspace


def largest(store: Store, config) -> Architecture:
    """The architecture of a training that has the most parameters."""
    if hasattr(config, "zoo"):
        return largest(store, zoo_config(store, config))
    if hasattr(config, "original"):
        from .nern.make import arch_of  # it imports this module

        return architecture(arch_of(store, config))
    names = [config.architecture] if hasattr(config, "architecture") else [*config.architectures, config.teacher]
    return max(map(architecture, names), key=lambda arch: arch.parameters)


def zoo_config(store: Store, config) -> ZooConfig | ShapeZooConfig:
    """The config of a space's zoo: that of the preset it names, with the space's seed, or of a zoo of that id that is at hand."""
    if config.zoo not in presets.presets() and store.has(config.zoo):
        return read_config(store.open(config.zoo, "zoo"), (*ZOO_CONFIGS, MultiZooConfig))
    return replace(presets.config(config.zoo), seed=config.seed)


def is_whole(store: Store, zoo_id: str, config) -> bool:
    """Whether a zoo is at hand that this config made (the preset may have changed since) and that was not trimmed."""
    if not store.has(zoo_id):
        return False
    manifest = store.open(zoo_id, "zoo").manifest
    return "trimmed" not in manifest.provenance and read_config(store.open(zoo_id, "zoo"), (type(config),)) == config


def train_to_end(trainee, path: Path, config, on_step, *inputs: Artifact) -> Outcome:
    """Train to the end; from the checkpoint at `path` where it is of this very run, of the same config and inputs."""
    tag = digest(config, *map(manifest_hash, inputs))
    if load_checkpoint(path, tag) is not None:
        print(f"{path.parent.name} goes on from its checkpoint.", file=sys.stderr)
    else:
        print(f"{path.parent.name}: {in_words(cost(trainee))}.", file=sys.stderr)
    outcome = run(trainee, path, tag, on_step)
    assert outcome.finished
    return outcome


def make_zoo(store: Store, preset: str, config: ZooConfig | ShapeZooConfig, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    arch = architecture(config.architecture)
    if is_shapes(config):
        data = source_of(config)
        trainee, measured = shape_zoo.ShapeZooTraining(config, data, device), shape_zoo.measure
    else:
        data = datasets.load(config.dataset, device).suited(arch)
        trainee, measured = ZooTraining(config, data), measure
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total))
    took = stopwatch(outcome.took)
    parameters_NP = trainee.instances()
    table = measured(config, parameters_NP, data)
    metrics = shape_zoo.metrics(table) if is_shapes(config) else zoo_metrics(table["test_accuracy"].to_numpy())
    made = provenance(took(), device, train_arguments(preset, config, id_))
    made = made if is_shapes(config) else recording(made, data.preprocessing)
    manifest = Manifest(id_, "zoo", f"{arch.family} on {data.title}", "", preset, asdict(config), metrics=metrics, provenance=made)
    dtype = np.float16 if config.half else np.float32
    artifact = store.write(manifest, {"parameters.safetensors": {"parameters": parameters_NP.cpu().numpy().astype(dtype)}}, {"instances.parquet": table}, replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    if is_shapes(config):
        shape_zoo.check_fits(id_, table)
    return artifact


def make_netspace(store: Store, preset: str, config, device: str, progress, id_: str, replacing: bool = False) -> Artifact:
    wanted = zoo_config(store, config)
    zoo_id = artifact_id(config.zoo, config.seed) if config.zoo in presets.presets() else config.zoo
    if not is_whole(store, zoo_id, wanted):
        make_zoo(store, config.zoo, wanted, device, progress, zoo_id, replacing)
    zoo_artifact = store.open(zoo_id, "zoo")
    zoo = load_zoo(store, zoo_id, device)
    if not is_shapes(config) and len(zoo.rows("test")) < 2:
        raise InvalidValue(f"{zoo_id} holds out {len(zoo.rows('test'))} test instance: what a space is measured by are paths between two. Make the zoo with --test 2 or more.")
    images = None if is_shapes(config) else datasets.load(zoo.dataset, device).suited(zoo.arch).seen_by(zoo.preprocessing)
    trainee = ShapeSpaceTraining(config, zoo) if is_shapes(config) else NetSpaceTraining(config, zoo, images)
    outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total), zoo_artifact)
    took = stopwatch(outcome.took)
    dtype = torch.float16 if getattr(config, "half", False) else torch.float32
    kept = {name: tensor.to(dtype) for name, tensor in trainee.chosen().items()}
    model = trainee.model
    model.load_state_dict(kept)
    model.eval().requires_grad_(False)
    embeddings_NE = encode(model, zoo.parameters_NP)
    table = zoo.table.copy()
    if is_shapes(config):
        metrics, predicted_N = evaluate_shapes(model, zoo.parameters_NP, table, zoo.arch)
        table["predicted_iou"] = predicted_N.numpy()
    else:
        predicted_NP = model.decode(embeddings_NE)
        for split in datasets.SPLITS:
            shown = images if split == "test" else images.first(config.measured)
            table[f"predicted_{split}_accuracy"] = accuracies(predicted_NP, shown.images[split], shown.labels[split], zoo.arch).cpu().numpy()
        metrics = evaluate(model, zoo.parameters_NP[zoo.rows("test")], zoo.arch, images, "test", "test", measured=config.measured)
        metrics |= evaluate_lso(model, zoo.parameters_NP, zoo.table, zoo.arch, images, measured=config.measured)
    table[MAP_2D], table[MAP_3D] = project(embeddings_NE.cpu().numpy())
    metrics |= times(took(), "zoo and space from scratch", zoo_artifact.manifest.provenance)
    inputs = {zoo_id: {"sha256": manifest_hash(zoo_artifact)}}
    manifest = Manifest(id_, "netspace", zoo_artifact.manifest.title, "", preset, asdict(config), inputs, metrics, provenance(took(), device, train_arguments(preset, config, id_)))
    arrays = {
        "model.safetensors": {name: tensor.cpu().numpy() for name, tensor in kept.items()},
        "embeddings.safetensors": {"embeddings": embeddings_NE.to(dtype).cpu().numpy()},
    }
    if is_shapes(config):
        arrays[sheet.FILE] = sheet.sheet_of(zoo.parameters_NP, zoo.arch)
    artifact = store.write(manifest, arrays, {"instances.parquet": table}, replace=replacing)
    checkpoint_path(store, id_).unlink(missing_ok=True)
    return artifact


def reevaluate(store: Store, artifact: Artifact, device: str, seed: int | None = None) -> dict:
    """The metrics of an artifact, measured again from its weights (times are not: they are the manifest's)."""
    if artifact.manifest.config.keys() & {"architectures", "interpolation"}:
        from .multi.make import reevaluate as reevaluate_multi  # it imports this module

        return reevaluate_multi(store, artifact, device, seed)
    if artifact.manifest.kind == "zoo":
        config, zoo = read_config(artifact, ZOO_CONFIGS), load_zoo(store, artifact.id, device)
        if is_shapes(config):
            return shape_zoo.metrics(shape_zoo.measure(config, zoo.parameters_NP, source_of(config)))
        images = datasets.load(zoo.dataset, device).suited(zoo.arch).seen_by(zoo.preprocessing)
        return zoo_metrics(accuracies(zoo.parameters_NP, images.images["test"], images.labels["test"], zoo.arch).cpu().numpy())
    if artifact.manifest.kind == "netspace":
        space = load_space(store, artifact.id, device)
        if space.is_shapes:
            return evaluate_shapes(space.model, space.parameters_NP, space.table, space.arch, seed or 0)[0]
        rows = [row for row, split in enumerate(space.table["split"]) if split == "test"]
        measured = space.config.measured
        found = evaluate(space.model, space.parameters_NP[rows], space.arch, space.needed_images(), "test", "test", seed or 0, measured)
        return found | evaluate_lso(space.model, space.parameters_NP, space.table, space.arch, space.needed_images(), seed or 0, measured)
    from .nern.make import reevaluate as reevaluate_nern  # it imports this module

    return reevaluate_nern(store, artifact, device)


def zoo_metrics(accuracy_N: np.ndarray) -> dict:
    """How a zoo's test accuracies are spread: their ends, and the share of instances in the emptiest tenth of 0.1..0.9."""
    tenths = np.histogram(accuracy_N, bins=np.linspace(0.1, 0.9, 9))[0] / len(accuracy_N)
    values = {"accuracy_min": accuracy_N.min(), "accuracy_max": accuracy_N.max(), "smallest_tenth_share": tenths.min()}
    return {name: single(float(value), "all instances, test images", len(accuracy_N)) for name, value in values.items()}
