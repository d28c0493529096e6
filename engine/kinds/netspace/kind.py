"""Spaces: a trained encoder and decoder over the networks of a zoo.

Legend: N instances, P parameters, E embedding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ...archs import Architecture
from ...core.artifacts import Artifact, Store, manifest_hash
from ...core.errors import InvalidValue
from ...core.memory import SHARE, machine_memory
from ...datasets import SPLITS
from ...nets.prep import check_room
from ...tasks import task_of
from ...tasks.sizing import ZooFacts
from ...tasks.zoo import Zoo, class_ids, zoos_of
from ..kind import Inputs, Kind, Made
from ..zoo.loading import TABLE, load_zoo, taught
from . import planning
from .auto import AutoSpaceConfig, plan_of
from .finish import EMBEDDINGS, finished
from .space import Space, load_space
from .training import SpaceTraining, space_training

SPARE = 2  # validation instances of a zoo that stands for another


class NetspaceKind(Kind):
    id = "netspace"

    def check(self, store: Store, config, inputs: Inputs) -> None:
        zoo = inputs[0]
        if config.OPEN:
            return self.check_open(store, config, inputs)
        ours, theirs = task_of(config.TASK), task_of(zoo.config.TASK)
        if ours is not theirs:
            raise InvalidValue(f"{zoo.id} is a zoo of {theirs.many}, and this is a space of {ours.many}. Choose another zoo or preset.")
        archs = self.archs(config, inputs)
        check_room(archs[-1].parameters, config.prep_height, config.prep_width)
        ours.check_space(config, zoo.config, zoo.id, archs)

    def check_open(self, store: Store, config: AutoSpaceConfig, inputs: Inputs) -> None:
        """What can be refused of a space of a zoo that is here; one that must be made first is looked at then."""
        if not inputs[0].here:
            return
        facts = self.facts(store, config, inputs)
        planning.check_facts(facts)
        self.check(store, plan_of(facts, config.variant, seed=config.seed), inputs)

    def facts(self, store: Store, config: AutoSpaceConfig, inputs: Inputs) -> ZooFacts:
        """What the zoo of a space is that is to be planned, as far as its table tells."""
        zoo = inputs[0]
        table, archs = store.open(zoo.id, "zoo").table(TABLE), self.archs(config, inputs)
        counts = Counter(zip(table["split"], class_ids(table, len(archs))))
        train, val, test = (tuple(counts[name, id_] for id_ in range(len(archs))) for name in SPLITS)
        memory = int(SHARE * machine_memory())
        return ZooFacts(zoo.id, archs[-1].task, archs[-1].parameters, train, sum(val), sum(test), memory=memory)

    def foreseen(self, store: Store, config: AutoSpaceConfig, inputs: Inputs) -> str:
        """What a training will do, and how long it takes, in words. Raises what `check` raises."""
        self.check(store, config, inputs)
        facts = self.facts(store, config, inputs)
        return planning.outline(facts, plan_of(facts, config.variant, seed=config.seed), config.minutes)

    def settled(
        self, store: Store, config, inputs: Inputs, device: str, folder: Path, progress: Callable[[str, int], Any]
    ) -> tuple[Any, Any, dict]:
        if not config.OPEN:
            return config, config, {}
        self.check(store, config, inputs)
        zoo = load_zoo(store, inputs[0].id, device)
        data = task_of(zoo.arch.task).data(zoo, device)
        return planning.settled(config, zoo, data, manifest_hash(store.open(zoo.id)), folder, device, progress)

    def archs(self, config, inputs: Inputs) -> Sequence[Architecture]:
        made = inputs[0].config
        return zoos_of(made.TASK).archs(made)

    def trainee(self, store: Store, config, inputs: Inputs, device: str) -> SpaceTraining:
        return space_training(config, *self.loaded(store, config, inputs, device))

    def loaded(self, store: Store, config, inputs: Inputs, device: str) -> tuple[Zoo, Any]:
        """A space's zoo and what its networks answer."""
        zoo = taught(store, load_zoo(store, inputs[0].id, device), config.taught_by)
        return zoo, task_of(config.TASK).data(zoo, device)

    def stand_in(self, store: Store, config, inputs: Inputs, device: str) -> SpaceTraining:
        if config.OPEN:
            raise InvalidValue(f"It takes about the {config.minutes:g} minutes of computing that it may take, measuring included.")
        made, zoos = inputs[0].config, zoos_of(inputs[0].config.TASK)
        archs, teacher, counts = zoos.archs(made), zoos.teacher(made), task_of(config.TASK).zoo_counts(config)
        splits = [split for count in counts for split in ["train"] * count + ["val"] * SPARE]
        table = pd.DataFrame({"split": splits, **{f"{split}_accuracy": 0.5 for split in SPLITS}})
        counts = [count + SPARE for count in counts]
        if len(archs) > 1:
            table["class_id"] = np.repeat(np.arange(len(archs)), counts)
        parameters_NP = zoos.untrained(archs, counts, device)
        teacher_P = torch.empty(0) if teacher is None else zoos.untrained([teacher], [1], device)[0]
        zoo = Zoo("untrained", archs, made.dataset, parameters_NP, table, None, teacher, teacher_P, zoos.pixels(made))
        return space_training(config, zoo, zoos.stand_in(made, device))

    def finish(self, store: Store, config, inputs: Inputs, trainee, progress: Callable[[str, int], Any]) -> Made:
        arrays, table, metrics = finished(trainee, progress)
        source = store.open(trainee.zoo.id).manifest
        return Made(source.title, arrays, {TABLE: table}, metrics, since=("zoo and space from scratch", source.provenance))

    def load(self, store: Store, id_: str, device: str = "cpu") -> Space:
        return load_space(store, id_, device)

    def measure(self, store: Store, artifact: Artifact, device: str, seed: int = 0) -> dict:
        space = load_space(store, artifact.id, device)
        data = space.needed_images() if space.dataset else None
        return space.task.measure(space.model, space.zoo, space.task.briefly(space.config, 0), data, seed)

    def network(
        self, store: Store, id_: str, a: str, b: str | None, gamma: float, path: str, device: str
    ) -> tuple[Architecture, Tensor, str]:
        space = load_space(store, id_, device)
        with torch.no_grad():
            found = space.network(space.row(a), space.row(b or a), gamma, path)
        return found.arch, found.parameters_P, f"{a}-{b or a}-{path[0]}{round(1000 * gamma):04d}"

    def trimmed(self, artifact: Artifact, rows: np.ndarray | None) -> tuple[dict, dict]:
        arrays, tables = super().trimmed(artifact, rows)
        if rows is None:
            return arrays, tables
        embeddings_NE = arrays[EMBEDDINGS]["embeddings"]
        table = tables[TABLE].iloc[rows].reset_index(drop=True)
        return {**arrays, EMBEDDINGS: {"embeddings": embeddings_NE[rows]}}, {TABLE: table}


KIND_OBJECT = NetspaceKind()
