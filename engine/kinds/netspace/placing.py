"""Placing a network that a space was not trained on: by the encoder, then by inversion. What differs between networks, and what they can
be made from, is asked of the space's task. Ours, beyond the paper.

Legend: P parameters, E embedding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ...core.artifacts import Artifact, Store
from ...core.clocks import Took
from ...core.errors import InvalidValue
from ...core.provenance import provenance
from ...nets.sniffing import SUFFIXES as NETWORKS
from ...tasks.task import Task
from . import kept
from .outside import Outside
from .space import Network, Space

MOST_STEPS = 1000
ANSWERS_ALONE = "It is of another architecture than the encoder of {id} reads: it is placed by its answers alone."


@dataclass(frozen=True)
class Placed:
    """A network in a space, both ways: by the encoder, and by inversion, which is never worse. Likenesses (IoU, agreement: the task's)
    are with the network itself; `outside` says how far outside of the zoo it was placed, and whether the space knows such networks.

    Where the encoder cannot read the network (the paper's, of another size), the encoded embedding is the nearest known one,
    and `encoded` says so.
    """

    encoded_E: Tensor
    encoded_likeness: float
    encoded: str  # "prep", "probe" or "nearest"
    embedding_E: Tensor  # by inversion
    likeness: float
    steps: int
    nearest: str  # id of the training instance that answers most alike
    nearest_likeness: float
    seconds: float  # of placing; the likenesses are measured after it
    outside: Outside
    figures: dict[str, float]  # of a classifier its accuracy, that of the space's network there, the gap, and n, the number of images
    unseen: Any = field(repr=False)
    note: str = ""  # how it was placed, where that is unusual

    def figure_words(self) -> str:
        """The accuracies of a classifier, for a person; "" where there are none."""
        said = "Right on {accuracy:.1%} of {n:,} test images; the space's network there is right on {placed_accuracy:.1%} (gap {gap:.3f})."
        return said.format(**self.figures) if self.figures else ""

    def as_json(self) -> dict:
        """For JSON; the likenesses by their name, such as `iou`, `encoded_iou` and `nearest_iou`."""
        name = self.outside.task.likeness_key
        return {
            "encoded": self.encoded,
            f"encoded_{name}": self.encoded_likeness,
            name: self.likeness,
            "steps": self.steps,
            "nearest": self.nearest,
            f"nearest_{name}": self.nearest_likeness,
            "seconds": self.seconds,
            "note": self.note,
            **self.figures,
            "outside": self.outside.as_json(),
        }


def place_network(space: Space, unseen: Tensor | Any, steps: int | None = None) -> Placed:
    """Find the embedding of a network that the space has not seen: parameters [P] in the space's (largest) architecture, or what the
    task's `unseen` or `read_unseen` gives. `steps` of inversion; None for as many as is usual in such a space.

    Raises InvalidValue for other steps and for networks that do not fit, NoInside for a shape that encloses nothing, DataMissing.
    """
    task = space.task
    if isinstance(unseen, Tensor):
        unseen = task.unseen(space, space.arch, unseen)
    steps = (0 if space.several else task.inversion_steps) if steps is None else steps
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= MOST_STEPS:
        raise InvalidValue(f"Inversion takes 0 to {MOST_STEPS} steps, not {str(steps)[:40]!r}.")
    began = time.monotonic()
    row = int(space.trained[task.nearest(space, unseen)])
    encoded_E = task.encode(space, unseen)
    embedding_E = task.invert(space, unseen, encoded_E, row, steps)
    seconds = time.monotonic() - began
    way = "nearest" if encoded_E is None else "probe" if space.model.probes else "prep"
    encoded_E = space.embeddings_NE[row] if encoded_E is None else encoded_E
    networks = [space.at(encoded_E), placed := space.at(embedding_E), space.target(row)]
    reached = task.compare(space, networks, unseen)
    by_encoder, by_inversion, near = (0.0 if math.isnan(each) else each for each in reached)  # undefined: nothing is shown to agree
    (outside,) = space.outside(embedding_E[None], [by_inversion])
    name = str(space.table["id"].iloc[row])
    note = ANSWERS_ALONE.format(id=space.id) if way == "nearest" else ""
    figures = task.placed_figures(space, unseen, placed)
    return Placed(encoded_E, by_encoder, way, embedding_E, by_inversion, steps, name, near, seconds, outside, figures, unseen, note)


def keep(store: Store, space: Space, found: Placed, name: str, said: list[str], device: str = "cpu") -> Artifact:
    """Make what was placed an instance of its space, under a name: the network itself where it is of the space's architectures, else
    what the space has in its place. `said` is the command that places it. Raises StorageError, InvalidValue."""
    task, placed = space.task, space.at(found.embedding_E)
    given = task.own(space, found.unseen)
    own = placed if given is None else Network(*given)
    key = task.likeness_key
    split = f"of what the space has there with {task.likeness_with}"
    n = 1 if space.images is None else len(space.images.labels["test"])
    metrics = task.placed_metrics(space, found.unseen, own, placed) | {
        f"{which}_{key}": {"value": round(value, 6), "split": split, "n": n}
        for which, value in (("target", found.likeness), ("encoded", found.encoded_likeness))
    }
    config = {"name": name, "steps": found.steps, "encoded": found.encoded, "itself": given is not None}
    embedding_E, parameters_P = (each.detach().cpu().float().numpy() for each in (found.embedding_E, own.parameters_P))
    made = provenance(Took(round(found.seconds, 3), 0.0), device, said)
    metrics |= found.outside.metrics()
    return kept.save(
        store, space, space.row(found.nearest), embedding_E, parameters_P, own.arch.id, config, metrics, made, name, made_by=kept.PLACE
    )


def files_of(task: Task, known: Collection[str], whats: Sequence[str]) -> list[str]:
    """What is named, with each folder as the files in it that a space of the task could place, by name; `known` are its instances. Raises
    InvalidValue where a folder has none."""
    found: list[str] = []
    for what in whats:
        if what in known or not Path(what).is_dir():
            found.append(what)
            continue
        suffixes = {*NETWORKS, *task.fitted_to}
        inside = sorted(str(path) for path in Path(what).rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        if not inside:
            raise InvalidValue(f"{what} holds no file that a space of {task.many} could place: {', '.join(sorted(suffixes))}.")
        found += inside
    return found


def asked(space: Space, what: str, steps: int | None = None, seed: int = 0, **reading: Any) -> list[str]:
    """What `place_what` does, as the command line takes it. A file is told by its name alone."""
    given = {"--steps": steps, "--seed": seed or None}
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    return ["place", space.id, Path(what).name, *words, *space.task.reading_arguments(**reading)]


def place_what(space: Space, what: str, steps: int | None, seed: int, progress, **reading: Any) -> tuple[Placed, dict | None]:
    """Place an instance of the space, the network of a file, or a network that is fitted to a file which the task can make one of (a
    mesh); with what is told of the fit. `reading`: how the file is to be read, as the task takes it (a `pose`, an `activation`).
    `progress(title, total)` gives an `on_step(step, metrics)`. Raises InvalidValue, UnknownId, MeshError, NoInside."""
    path, task = Path(what), space.task
    suffix = path.suffix.lower()
    reading = {name: value for name, value in reading.items() if value is not None}
    task.check_reading(path.name, suffix in NETWORKS and suffix not in task.fitted_to, **reading)
    if suffix in task.fitted_to:
        bars = []  # made when the first steps are done: a file that cannot be used has none

        def report(step: int, total: int, loss: float) -> None:
            if not bars:
                bars.append(progress(path.name, total))
            bars[0](step, {"loss": loss})

        unseen, fit = task.fit_unseen(space, path, seed, report, **reading)
        return place_network(space, unseen, steps), fit
    if suffix in NETWORKS:
        return place_network(space, task.read_unseen(space, path, **reading), steps), None
    if path.suffix and path.is_file():
        kinds = " or ".join(filter(None, (f"a network ({', '.join(NETWORKS)})", task.fitted_to_words())))
        raise InvalidValue(f"{path.name} is not {kinds}, which is what {space.id}, a space of {task.many}, can place. Convert it first.")
    own = space.target(space.row(what))
    return place_network(space, task.unseen(space, own.arch, own.parameters_P), steps), None
