"""What is made and kept: one object a kind, which `engine.make` and everything above ask instead of guessing.

`config` is one of the types of configs whose KIND is the kind's id (`engine.kinds.configs`), `inputs` what it is made from, in the order
of its `references`, `store` the available artifacts, `device` "cpu" or "cuda...". What differs between what networks answer is asked of the
config's task (`engine.tasks`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.artifacts import Artifact, Store
from ..core.config import Reference
from ..core.errors import InvalidValue

if TYPE_CHECKING:  # a plan needs no torch
    import numpy as np
    from torch import Tensor

    from ..archs import Architecture
    from ..learn.trainee import Trainee
    from .nern.layers import Row


CHOICE = "plan.json"  # beside a checkpoint: what was chosen of a config that left something open


@dataclass(frozen=True)
class Input:
    """Something that a config is made from."""

    reference: Reference
    id: str  # of the artifact, which may have to be made first
    here: bool  # whether it need not
    fields: Mapping[str, Any]  # of its config, as its manifest stores them or will
    config: Any = None  # that config; None where none made it: a network that was imported
    preset: str = ""  # that makes it, where it is a preset's
    remake: Callable[[dict], tuple[str, str]] | None = None  # other fields -> (the command that makes such a one of the preset, its id)


Inputs = Sequence[Input]


@dataclass(frozen=True)
class Made:
    """What training gave, ready to be written."""

    title: str
    arrays: dict[str, dict]  # file name -> {tensor name -> numpy array}
    tables: dict = field(default_factory=dict)  # file name -> DataFrame
    metrics: dict = field(default_factory=dict)
    provenance: dict = field(default_factory=dict)  # `make` adds command, time, device and versions
    since: tuple[str, dict] | None = None  # metrics of time: what they are of, and the seconds before this training, by their names


class Kind:
    """A kind of artifact. A method that a kind does not have refuses, in a sentence."""

    id: str = ""
    trims: bool = False  # whether it can be trimmed, and what was made from it with it

    def check(self, store: Store, config, inputs: Inputs) -> None:
        """Everything that can be refused before the first step; inputs that are made first were checked already. Raises UnknownId,
        InvalidValue, DataMissing, PRepTooSmall, CheckpointMismatch, CorruptArtifact."""
        raise self.refusal("trained")

    def archs(self, config, inputs: Inputs) -> Sequence[Architecture]:
        """The architectures whose networks a training runs; the largest decides how many threads it has."""
        raise self.refusal("trained")

    def trainee(self, store: Store, config, inputs: Inputs, device: str) -> Trainee:
        """What `learn.loop.run` trains; all inputs are here. Raises what loading them raises."""
        raise self.refusal("trained")

    def settled(
        self, store: Store, config, inputs: Inputs, device: str, folder: Path, progress: Callable[[str, int], Any]
    ) -> tuple[Any, Any, dict]:
        """(the config to train, what was asked for with everything in it that it left open, what is told of the choice): of a config
        that leaves nothing open, itself twice. `folder` is where a choice is kept (CHOICE) until the training has ended."""
        return config, config, {}

    def stand_in(self, store: Store, config, inputs: Inputs, device: str) -> Trainee:
        """The same on noise and untrained networks in place of what is not here: its step costs the same. Raises InvalidValue."""
        raise InvalidValue(f"What a {self.id} costs is not known before it runs: launch it, and watch its progress.")

    def finish(self, store: Store, config, inputs: Inputs, trainee, progress: Callable[[str, int], Any]) -> Made:
        """What a trained `trainee` gives, measured. `progress(title, total)` gives an `on_step(step, metrics)`, for what takes long."""
        raise self.refusal("trained")

    def review(self, artifact: Artifact) -> None:
        """Says what is wrong with an artifact that was written. Raises InvalidValue where nothing can be done with it."""

    def load(self, store: Store, id_: str, device: str = "cpu") -> Any:
        """The artifact in memory. Raises UnknownId, CorruptArtifact, InvalidValue."""
        raise self.refusal("loaded")

    def measure(self, store: Store, artifact: Artifact, device: str, seed: int = 0) -> dict:
        """Its metrics, measured again from the weights (times are not: they are the manifest's). `seed` draws pairs and starts."""
        raise self.refusal("measured")

    def network(
        self, store: Store, id_: str, a: str, b: str | None, gamma: float, path: str, device: str
    ) -> tuple[Architecture, Tensor, str]:
        """(architecture, parameters [P], a few words for its name) of instance `a`, or of the network at `gamma` from `a` to `b`, along
        the path "embedding", "weights" or "aligned". Raises UnknownId, InvalidValue."""
        raise InvalidValue(f"{id_} is a {self.id}. Send an instance of a zoo, or a network of a space.")

    def layers(self, store: Store, id_: str) -> list[Row]:
        """What of each layer of a network a NeRN predicts, and what it keeps. Raises UnknownId, InvalidValue."""
        raise self.refusal("described layer by layer")

    def stacks(self, config) -> int:
        """How many parts of a training can be trained by themselves, on several machines."""
        return 1

    def trimmed(self, artifact: Artifact, rows: np.ndarray | None) -> tuple[dict, dict]:
        """(arrays, tables) of an artifact of which only these rows of its instances stay (None: all)."""
        files = artifact.manifest.files
        arrays = {name: artifact.arrays(name) for name in files if name.endswith(".safetensors")}
        return arrays, {name: artifact.table(name) for name in files if name.endswith(".parquet")}

    def refusal(self, verb: str) -> InvalidValue:
        return InvalidValue(f"{'An' if self.id[:1] in 'aeiou' else 'A'} {self.id} cannot be {verb}.")
