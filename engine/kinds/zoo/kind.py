"""Zoos: many trained instances of one architecture, or of several with a teacher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ...archs import Architecture
from ...core.artifacts import Artifact, Store
from ...nets.networks import recording
from ...tasks.zoo import Zoo, class_ids, title, zoos_of
from ..configs import read_config
from ..kind import Inputs, Kind, Made
from .loading import FILE, TABLE, arrays_of, instance_of, load_zoo, names_of


class ZooKind(Kind):
    id = "zoo"
    trims = True

    def check(self, store: Store, config, inputs: Inputs) -> None:
        zoos_of(config.TASK).check(config)

    def archs(self, config, inputs: Inputs) -> Sequence[Architecture]:
        zoos = zoos_of(config.TASK)
        return [*zoos.archs(config), *filter(None, (zoos.teacher(config),))]

    def trainee(self, store: Store, config, inputs: Inputs, device: str):
        zoos = zoos_of(config.TASK)
        return zoos.trainee(config, zoos.data(config, device), device)

    def stand_in(self, store: Store, config, inputs: Inputs, device: str):
        zoos = zoos_of(config.TASK)
        return zoos.trainee(config, zoos.stand_in(config, device), device)

    def finish(self, store: Store, config, inputs: Inputs, trainee, progress: Callable[[str, int], Any]) -> Made:
        grown = zoos_of(config.TASK).grown(config, trainee)
        zoo = grown.zoo
        arrays = {FILE: arrays_of(zoo, config.half)}
        return Made(title(zoo.archs, grown.data), arrays, {TABLE: zoo.table}, grown.metrics, recording({}, zoo.preprocessing))

    def review(self, artifact: Artifact) -> None:
        zoos_of(artifact.manifest.task).review(artifact.id, artifact.table(TABLE))

    def load(self, store: Store, id_: str, device: str = "cpu") -> Zoo:
        return load_zoo(store, id_, device)

    def measure(self, store: Store, artifact: Artifact, device: str, seed: int = 0) -> dict:
        config, zoo = read_config(artifact), load_zoo(store, artifact.id, device)
        zoos = zoos_of(config.TASK)
        return zoos.measure(config, zoo, zoos.data(config, device, zoo.preprocessing))

    def network(
        self, store: Store, id_: str, a: str, b: str | None, gamma: float, path: str, device: str
    ) -> tuple[Architecture, Tensor, str]:
        return *instance_of(store, id_, a, device), a

    def stacks(self, config) -> int:
        return zoos_of(config.TASK).stacks(config)

    def trimmed(self, artifact: Artifact, rows: np.ndarray | None) -> tuple[dict, dict]:
        arrays, tables = super().trimmed(artifact, rows)
        if rows is None:
            return arrays, tables
        table, kept = tables[TABLE], dict(arrays[FILE])
        for name, of_N in tensors_of(artifact, table).items():
            kept[name] = arrays[FILE][name][np.isin(of_N, rows)]
        return {**arrays, FILE: kept}, {TABLE: table.iloc[rows].reset_index(drop=True)}


def tensors_of(artifact: Artifact, table) -> dict[str, np.ndarray]:
    """Name of a tensor of a zoo's file -> the rows of the table whose instances it holds, in order."""
    config = read_config(artifact)
    archs = zoos_of(config.TASK).archs(config)
    class_id_N = class_ids(table, len(archs))
    return {name: np.flatnonzero(class_id_N == id_) for id_, name in enumerate(names_of(archs))}


KIND_OBJECT = ZooKind()
