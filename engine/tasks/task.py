"""A task: what a network answers and how well. One object a task, asked by everything that differs between classifiers, shapes and what
comes next.

A task is a folder `engine/tasks/<name>/` with a `config.py` (the configs of its zoos and spaces, which name it as their TASK) and a
`task.py` (its `TASK`, an instance of a subclass of `Task`). `space`, `zoo` and `model` are those of `engine.kinds`; a task asks them and
imports nothing of that room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..archs import Architecture
from ..core.errors import InvalidValue
from ..nets.ways import WAYS
from .sizing import ZooFacts

# What is mixed between two instances: their embeddings, which are decoded; their own weights; their own weights once the second's units
# are in the first's order (Git Re-Basin's weight matching, see engine.nets.alignment).
PATHS = ("embedding", "weights", "aligned")
MIXED = ("weights", *WAYS)  # paths of the ends' own parameters


class SpaceObjective(Protocol):
    """What a space is trained on. `space` is its trainee, whose `model` it runs."""

    shown: list[int]  # rows of the zoo that are trained on
    chosen_by: list[int]  # rows that a look at validation is on
    chooses: bool  # whether validation chooses the model that is kept; else it is the last

    @property
    def class_ids_N(self) -> Tensor | None:
        """Of the rows that are shown, where there are several architectures."""
        ...

    def begin(self, space: Any) -> None:
        """What is worked out before the first step."""

    def draw(self, random: torch.Generator) -> tuple:
        """The batch of a step."""
        ...

    def loss(self, *args: Any, **kwargs: Any) -> Tensor:
        """The loss (space, *batch): the last part of the batch is the step's random generator."""
        ...

    def validate(self, space: Any) -> tuple[Tensor | None, dict[str, float]]:
        """(score, the lower the better; what is measured) on the validation instances."""
        ...


@dataclass(frozen=True)
class Answer:
    """What instances of an architecture answer at points: called with parameters [N, P] and points [B, D] it gives values [N, B]."""

    values: Callable[[Tensor, Tensor], Tensor]
    dimensions: int  # D
    sharpness: float  # to a probe encoder values beyond about 2 / sharpness all read the same

    def __call__(self, parameters_NP: Tensor, points_BD: Tensor) -> Tensor:
        return self.values(parameters_NP, points_BD)


@dataclass(frozen=True)
class Alike:
    """A likeness: its name, its value and its 95 % interval, `n` places that it rests on and how many of them count for it."""

    name: str
    value: float
    low: float
    high: float
    n: int
    right: int
    split: str  # what the places are: "cells of a grid"


@dataclass(frozen=True)
class Descent:
    """What a latent space optimisation descends: an objective, how embeddings become the networks it sees, further terms of its loss."""

    objective: Any
    decode: Callable[[Tensor], Tensor]
    terms: list = field(default_factory=list)


@dataclass(frozen=True)
class Yardstick:
    """A figure of a space for its held-out instances (`n` of them), beside the same of the nearest training instance and of the mean of
    the training networks; None where it does not apply. `goal` is what counts as learnt, `rises` whether more is better."""

    name: str
    words: str
    value: float | None
    n: int
    nearest: float | None = None
    mean: float | None = None
    weights: float | None = None  # of the straight path between the weights, once aligned
    goal: float | None = None
    rises: bool = True
    seen: float | None = None  # the same of the training instances

    @property
    def reached(self) -> bool:
        """Whether it reached its goal; where it has none, yes."""
        if self.goal is None:
            return True
        return self.value is not None and (self.value >= self.goal if self.rises else self.value <= self.goal)


class Task:
    """Words and figures of a task, and what only it can do. Methods that a task does not have refuse, in a sentence."""

    id = ""
    one, many = "network", "networks"  # what its instances are called
    placed = "networks"  # what a person places in a space
    quality = "quality"  # what is measured of a network, 0 to 1
    likeness = "likeness"  # what is measured of two networks, 0 to 1
    quality_range = (0.0, 1.0)  # of a colour scale of qualities, or of likenesses where a network by itself has none
    quality_scale = "quality"  # its title
    quality_ticks = ".0%"  # how it is written beside one (d3-format)
    known_from = 0.5  # the likeness from which on a space knows what was placed
    quality_column = ""  # of a space's table: how good an instance is, as lists and pickers show it
    best_column = ""  # of a zoo's table: the quality by which the best instance is chosen (never on test)
    objectives: tuple[str, ...] = ()  # of LSO
    objectives_of_several: tuple[str, ...] = ()  # of LSO in a space of several architectures
    inversion_steps = 100  # of placing a network, by default
    alone = False  # whether a network by itself has a quality, measured on the images of its data set; else only likeness to another
    default_objective = "answers"  # of LSO
    trims = True  # whether some of a zoo's instances can go: not where its spaces keep files of all of them
    likeness_with = "the network itself"  # what a placed network is compared with, for a sentence: "IoU with ..."
    fitted_to: tuple[str, ...] = ()  # suffixes of files to which a network can be fitted, to be placed
    paths: tuple[str, ...] = PATHS  # along which its networks are mixed
    instead = "look at them in their space"  # what can be asked where accuracies are asked for, and there are none
    surfaces = False  # whether what its networks answer is drawn as a surface
    pictures = False  # whether its networks are pictures

    def answer(self, arch) -> Answer | None:
        """What instances of an architecture answer at points; None where they are not asked at points."""
        return None

    def dataset_of(self, zoo) -> str | None:
        """The data set whose images its networks answer; None where they answer none."""
        return None

    def data(self, zoo, device: str) -> Any:
        """What a space of this zoo learns from. Raises DataMissing, InvalidValue where it is not available or does not fit."""
        return None

    def data_if_available(self, zoo, device: str) -> Any:
        """The same, or None where it is not available: the space can be looked at all the same."""
        return None

    def check_space(self, config, zoo_config, zoo_id: str, archs: Sequence[Architecture]) -> None:
        """What can be refused of a space of such a zoo before anything is trained. Raises InvalidValue, DataMissing."""
        if len(archs) > 1 and not config.SEVERAL:
            raise InvalidValue(f"{zoo_id} is a zoo of several architectures, and this space is of one. Choose another zoo or preset.")
        if len(archs) == 1 and config.SEVERAL:
            raise InvalidValue(f"{zoo_id} is not a zoo of several architectures. Choose another zoo.")

    def inputs(self, data: Any) -> tuple[int, int]:
        """How many inputs there are to train and to choose with; (0, 0) where its networks are asked at points."""
        return 0, 0

    def variants(self, facts: ZooFacts) -> Mapping[str, dict]:
        """Name -> fields of each variant of a planned space that validation instances choose among."""
        raise self.refusal("planned as a space")

    def space_of(self, facts: ZooFacts, variant: str, steps: int, seed: int) -> Any:
        """The config of a space of such a zoo; pure. Raises InvalidValue where no memory holds it."""
        raise self.refusal("planned as a space")

    def properties(self, table: Any) -> dict[str, Any]:
        """Properties that are worked out from the columns of a zoo's table: name -> values [N]."""
        return {}

    def briefly(self, config: Any, images: int) -> Any:
        """The config of a space that is measured on so many images at its end; 0: on all there is. Raises InvalidValue for a task whose
        spaces are measured on no images."""
        if images:
            raise InvalidValue(f"Only spaces of classifiers are measured briefly; {config.zoo} holds {self.many}. Leave out brief.")
        return config

    def brief_words(self, config: Any) -> str:
        """On what a space was measured that was measured briefly, and without what; else nothing."""
        return ""

    def endings(self, config: Any, zoo: Any, data: Any) -> list[tuple[Any, int]]:
        """How a planned space may be measured at its end, from everything to the least: its config, and how many passes of a network over
        an input that is."""
        return [(config, 0)]

    def one_pass(self, zoo: Any, data: Any) -> int:
        """Lets a network of the zoo answer some inputs, so that it can be timed; how many."""
        return 1

    def yardsticks(self, space: Any) -> list[Yardstick]:
        """What a space gives for the instances that were held out, beside what anybody would have without one."""
        raise self.refusal("compared")

    def zoo_counts(self, config) -> list[int]:
        """Of each architecture the training instances of a zoo that stands for another, to tell what a step costs."""
        return [max(4, config.networks)]

    def objective(self, config, zoo, data) -> SpaceObjective:
        """What a space is trained on."""
        raise self.refusal("trained as a space")

    def measure(self, model, zoo, config, data, seed: int = 0) -> dict:
        """All metrics of a space, from its weights; `seed` draws pairs and starts."""
        raise self.refusal("measured in a space")

    def columns(self, model, zoo, config, data, embeddings_NE: Tensor) -> dict:
        """What a space's table tells of every instance beside the zoo's columns: name -> array [N]."""
        return {}

    def files(self, zoo) -> dict[str, dict]:
        """Files of arrays that are kept with a space, such as small pictures of its instances."""
        return {}

    def check_objective(self, space_id: str, objective: str, several: bool) -> None:
        """Raises InvalidValue where a latent space optimisation of that objective does not fit what a space holds."""
        if objective not in self.objectives:
            raise InvalidValue(f"{space_id} holds {self.many}: the objective is one of {', '.join(self.objectives)}.")
        if several and objective not in self.objectives_of_several:
            raise InvalidValue(f"{space_id} holds several architectures: the objective is {' or '.join(self.objectives_of_several)}.")

    def descent(self, space, config, start_E: Tensor, target: Callable[[str], Any], cloud: Callable[[str], Tensor]) -> Descent:
        """What an LSO of that config descends. `target` and `cloud` find networks and point clouds by name. Raises InvalidValue,
        DataMissing, UnknownId."""
        raise self.refusal("optimised")

    def lso_figures(self, space, config, networks: Mapping[str, Any], target: Callable[[str], Any]) -> dict:
        """What is told of the networks "before" and "after" an LSO, beside its quality on validation."""
        return {}

    def kept_metrics(self, space, config, network, result: dict) -> dict:
        """Metrics of a network that an LSO found and a person keeps; `result` is what the LSO told."""
        return {}

    def kept_row(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """The columns of a space's table that tell how good an instance is, of a network that was kept with those metrics."""
        return {}

    # Placing a network that a space was not trained on. What is placed is *unseen*: an object of the task's own making.

    @property
    def likeness_key(self) -> str:
        """The likeness in names of metrics and in JSON: "iou"."""
        return self.likeness.lower()

    def known(self, space, rows) -> Any:
        """What a space knows of the instances that it was trained on (their rows), to find the nearest: kept as `space.known`."""
        raise self.refusal("placed")

    def unseen(self, space, arch, parameters_P: Tensor) -> Any:
        """A network to place, given by the parameters of an architecture. Raises InvalidValue."""
        raise self.refusal("placed")

    def unseen_tensors(self, space, tensors: Mapping[str, Any], name: str) -> Any:
        """The same, given by a state dict of numpy arrays; `name` is what it is called. Raises InvalidValue, CheckpointMismatch."""
        raise self.refusal("placed")

    def read_unseen(self, space, path: Path, **reading: Any) -> Any:
        """A network to place, from a checkpoint. Raises InvalidValue, CheckpointMismatch."""
        raise self.refusal("placed")

    def fit_unseen(
        self, space, path: Path, seed: int, progress: Callable[[int, int, float], None], **reading: Any
    ) -> tuple[Any, dict]:
        """A network fitted to a file of one of the suffixes `fitted_to`, and what is told of the fit. Raises InvalidValue."""
        raise self.refusal("fitted")

    def fitted_to_words(self) -> str:
        """What those files hold, with their suffixes; "" where there are none."""
        return ""

    def check_reading(self, name: str, network: bool, **reading: Any) -> None:
        """Raises InvalidValue where what is said of how `name` is read does not fit: a `network`'s file, or something else."""
        if reading:
            words = ", ".join(f"--{each}" for each in reading)
            raise InvalidValue(f"{words} does not apply to {self.many}. Leave it out.")

    def reading_arguments(self, **reading: Any) -> list[str]:
        """What `check_reading` lets pass, as the command line takes it."""
        return []

    def nearest(self, space, unseen: Any) -> int:
        """Which of the instances that the space was trained on answers most alike."""
        raise self.refusal("placed")

    def encode(self, space, unseen: Any) -> Tensor | None:
        """The embedding [E] that the encoder gives; None where it cannot read the network."""
        raise self.refusal("placed")

    def invert(self, space, unseen: Any, encoded_E: Tensor | None, row: int, steps: int) -> Tensor:
        """The embedding [E] after some steps of inversion, never worse than the encoder's; `row` is that of the nearest instance."""
        raise self.refusal("placed")

    def compare(self, space, networks: Sequence[Any], unseen: Any) -> list[float]:
        """The likeness, 0 to 1, of networks (`arch`, `parameters_P`) with the unseen one; NaN where it is not defined."""
        raise self.refusal("compared")

    def own(self, space, unseen: Any) -> tuple[Any, Tensor] | None:
        """The architecture and the parameters [P] of an unseen network, where it could be an instance of the space; None where only what
        the space makes of it can."""
        return None

    def placed_figures(self, space, unseen: Any, network: Any) -> dict[str, float]:
        """What is told of an unseen network beside likenesses, and of the `network` that the space has where it was placed."""
        return {}

    def placed_metrics(self, space, unseen: Any, kept: Any, network: Any) -> dict:
        """Metrics of the network that is `kept` of one that was placed, and of the `network` that the space has there."""
        return {}

    def alike(self, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]) -> Alike:
        """The likeness of two networks that answer at points, (points [B, D]) -> values [B], measured now. Raises InvalidValue where it is
        not defined."""
        raise self.refusal("compared")

    def check_target(self, config, dataset: str, several: bool, pixels: int = 0) -> bool:
        """Whether the target of an LSO's config is the name of a network; what else it names (something of the zoo's data set, or
        of so many pixels a side) is checked here. Raises InvalidValue, UnknownId."""
        return bool(config.target)

    # Looking at a network. `host` computes (run, run_wide, run_long); `found` is a network of a space (host.host.Step), on the CPU.

    def live(self, host, found, question: Mapping[str, Any]) -> tuple[dict, dict[str, Any]]:
        """What the live socket answers of a network while a thumb moves (op "step"): what JSON holds, and arrays [...] by name. `question`
        is the message; `want`, a list of words, says what it is to hold. Raises InvalidValue, DataMissing."""
        raise InvalidValue(f"{found.space.id} holds {self.many}, which do not classify images: {self.instead}.")

    def between(self, host, found: Sequence[Any], ends: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[dict, list[dict]]:
        """What is measured of networks `found` (host.host.Step) between others (`ends`, each itself, by name): on what (`n` of `total`
        places, called `on`, in `dtype`; n is 0 where nothing was measured), and of each its `value` (None where it has none) with its
        95 % interval `low` to `high`. It is the quality of a network that has one `alone`; of others the likeness with the nearest of the
        ends, and `to` is that with each. `question` is the message. Raises InvalidValue, DataMissing."""
        raise self.refusal("compared")

    def look(self, host, found, question: Mapping[str, Any]) -> tuple[dict, dict[str, Any]]:
        """What a network looks like, for a view that follows a thumb: what JSON holds, and arrays [...] by name; nothing where it has no
        looks. Raises InvalidValue."""
        return {}, {}

    def film(self, host, space, walk) -> Any:
        """The `Reel` (engine.film.walk) of a `Walk` of a space. Raises UnknownId, InvalidValue."""
        raise self.refusal("filmed")

    def exported(self, host, found) -> dict:
        """Metrics of a network that is written to a file, measured now."""
        return {}

    def refusal(self, verb: str) -> InvalidValue:
        return InvalidValue(f"{self.many.capitalize()} cannot be {verb} here.")
