"""Train, estimate, evaluate: the same for every kind. A training is resumed from its checkpoint."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from . import kinds
from .archs import Architecture
from .core.artifacts import Artifact, Store, load_checkpoint, manifest_hash, manifest_of
from .core.clocks import stopwatch, times
from .core.config import digest
from .core.memory import within_memory
from .core.provenance import provenance
from .kinds.configs import defaults
from .kinds.kind import CHOICE, Inputs
from .learn.cost import Cost, cost, in_words
from .learn.loop import Outcome, run
from .learn.threads import threads_for
from .plan import check_free, inputs_of, name_of, needs, recorded, train_arguments

SECONDS = 4.0  # of measuring for an estimate, at most about; two steps at least


def checkpoint_path(store: Store, id_: str) -> Path:
    return store.workspace / ".training" / id_ / "checkpoint.safetensors"


def train(store: Store, preset: str, config, device: str, progress, id_: str | None = None, replacing: bool = False) -> Artifact:
    """Make the artifact of a preset's config, and first whatever it is made from that is missing. `progress(title, total)` gives an
    `on_step(step, metrics)`; `id_` names the artifact otherwise than `name_of` does; `replacing`: another artifact of that name is
    replaced, and kept aside.

    Raises InvalidValue before the first step where the name is taken, and what `check`, training and storing raise; KeyboardInterrupt
    keeps the checkpoint.
    """
    id_ = id_ or name_of(preset, config)
    check_free(store, preset, config, id_, replacing)
    check(store, config)
    return make(store, preset, config, device, progress, id_, replacing)


def check(store: Store, config) -> None:
    """Whether a training can be begun, as far as that can be told without one, so that nothing is trained for minutes before it is
    refused. Raises what the training would: UnknownId, InvalidValue, DataMissing, PRepTooSmall, CheckpointMismatch, CorruptArtifact."""
    inputs = inputs_of(store, config)
    for each in inputs:
        if not each.here:
            check(store, each.config)
    kinds.kind_of(config.KIND).check(store, config, inputs)


def make(store: Store, preset: str, config, device: str, progress, id_: str, replacing: bool) -> Artifact:
    kind, inputs = kinds.kind_of(config.KIND), inputs_of(store, config)
    for each in inputs:
        if not each.here:
            make(store, each.preset, each.config, device, progress, each.id, replacing)
    folder = checkpoint_path(store, id_).parent
    with threads_for(largest(config, inputs)):
        config, asked, told = kind.settled(store, config, inputs, device, folder, progress)
        sources = [store.open(each.id) for each in inputs]
        trainee = kind.trainee(store, config, inputs, device)
        outcome = train_to_end(trainee, checkpoint_path(store, id_), config, progress(id_, trainee.total), *sources)
        took = stopwatch(outcome.took)
        made = kind.finish(store, config, inputs, trainee, progress)
        metrics = made.metrics | (times(took(), *made.since) if made.since else {})
        how = provenance(took(), device, train_arguments(preset, asked, id_)) | made.provenance | ({"chosen": told} if told else {})
        manifest = manifest_of(config, id_, made.title, preset, inputs=recorded(store, inputs), metrics=metrics, provenance=how)
        artifact = store.write(manifest, made.arrays, made.tables, replace=replacing, defaults=defaults)
    for left in (checkpoint_path(store, id_), folder / CHOICE):
        left.unlink(missing_ok=True)
    kind.review(artifact)
    return artifact


def train_to_end(trainee, path: Path, config, on_step, *sources: Artifact) -> Outcome:
    """Train to the end; from the checkpoint at `path` where it is of this very run, of the same config and inputs."""
    tag = digest(config, *map(manifest_hash, sources))
    if load_checkpoint(path, tag) is not None:
        print(f"{path.parent.name} is resumed from its checkpoint.", file=sys.stderr)
    else:
        print(f"{path.parent.name}: {in_words(cost(trainee))}.", file=sys.stderr)
    outcome = run(trainee, path, tag, on_step)
    assert outcome.finished
    return outcome


def estimate(store: Store, config, device: str) -> tuple[Cost, float]:
    """The cost of a config's training, and the seconds of what must be made first. Networks that nobody trained and
    noise stand for what is missing. Raises InvalidValue where the cost cannot be told, or no memory of this machine holds it."""
    limit = within_memory() if device == "cpu" else contextlib.nullcontext()  # a GPU's driver maps more than it uses
    with limit:
        first = sum(cost_of(store, each.config, device).seconds for each in needs(store, config))
        return cost_of(store, config, device), first


def cost_of(store: Store, config, device: str) -> Cost:
    inputs = inputs_of(store, config)
    with threads_for(largest(config, inputs)):
        return cost(kinds.kind_of(config.KIND).stand_in(store, config, inputs, device), SECONDS)


def largest(config, inputs: Inputs) -> Architecture:
    """The architecture of a training that has the most parameters."""
    return max(kinds.kind_of(config.KIND).archs(config, inputs), key=lambda arch: arch.parameters)


def evaluate(store: Store, artifact: Artifact, device: str, seed: int | None = None) -> dict:
    """The metrics of an artifact, measured again from its weights (times are not: they are the manifest's)."""
    return kinds.kind_of(artifact.manifest.kind).measure(store, artifact, device, seed or 0)
