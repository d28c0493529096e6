"""How far outside of the zoo something lies: one measure, and the one place that puts it into words.

The measure is the mean Euclidean distance of an embedding to its NEIGHBOURS nearest training instances (of the architecture that
the space reads there, where it holds several). It is compared with the same distance of the training instances themselves, each
measured without itself: a percentile of theirs, and a multiple of their median. What lies farther out than all of them is
*outside*. On the map it cannot be seen: a far embedding is drawn among its neighbours as a near one is.

What was placed has been compared with its own network, too. Where that is below the task's bound (`known_from`) the space does not
*know* such networks, however near its answer lies.

How the bounds were chosen, on validation instances of the spaces that ship, placed with the default number of steps:

- IoU 0.6. Of the 60 validation shapes (netspace-chairs-probe, netspace-chairs) none is below it, the lowest is 0.77; tables, stools,
  tori and spheres reach 0.25 at most. Afterwards, of the 80 held-out shapes none is below it either (the lowest is 0.63).
- Agreement 0.25. Of the 32 validation networks of netspace-digits 4 are below it, of the 32 of netspace-digits-resnet8 between a
  tenth and a quarter, all of them right on fewer than 30 % of the images; random weights three times too large, and good networks whose
  classes are renamed, reach 0.20 at most.

Legend: M embeddings, T training instances, S of them that stand for all, K neighbours, E embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...tasks.task import Task

NEIGHBOURS = 15  # as many as the map places by
FEWEST = 5  # training instances whose own distances are worth comparing with
SAMPLE = 1024  # of more instances so many, evenly spaced, stand for all: their percentiles are right to a point
BLOCK = 1 << 23  # distances that are held at once
MOST = 1e6  # a multiple beyond it is no longer told


@dataclass(frozen=True)
class Members:
    """The training instances that others are compared with: their embeddings about their mean, and their own distances, rising."""

    middle_E: Tensor
    centred_TE: Tensor
    squares_T: Tensor  # of their lengths
    own_S: Tensor

    @property
    def neighbours(self) -> int:
        """How many of them a distance is the mean of."""
        return max(1, min(NEIGHBOURS, len(self.centred_TE) - 1))

    def distances(self, embeddings_ME: Tensor) -> Tensor:
        """Mean distances [M] to the nearest of them; not finite where the embedding is not, or is too large for its square."""
        return _nearest(embeddings_ME - self.middle_E, self.centred_TE, self.squares_T, self.neighbours)


def members(embeddings_TE: Tensor) -> Members:
    """The training instances of a space, or of one architecture of it. Takes BLOCK distances of memory, however many there are."""
    assert len(embeddings_TE), "nothing to compare with"
    middle_E = embeddings_TE.mean(0)  # distances are differences of squares: far from the origin they would be rounded away
    centred_TE = embeddings_TE - middle_E
    squares_T = centred_TE.square().sum(-1)
    if len(embeddings_TE) < FEWEST:
        return Members(middle_E, centred_TE, squares_T, squares_T.new_zeros(0))
    count = min(SAMPLE, len(embeddings_TE))
    picks_S = torch.linspace(0, len(embeddings_TE) - 1, count, device=embeddings_TE.device).round().long()
    own_S = _nearest(centred_TE[picks_S], centred_TE, squares_T, min(NEIGHBOURS, len(centred_TE) - 1), picks_S)
    return Members(middle_E, centred_TE, squares_T, own_S.sort().values)


@torch.no_grad()
def _nearest(points_ME: Tensor, centred_TE: Tensor, squares_T: Tensor, count: int, own_M: Tensor | None = None) -> Tensor:
    """Mean distance [M] to the `count` nearest; `own_M` are the rows of the points themselves, which are left out. Which they are is
    found by squares (without the point's own, which is the same for all); how far they are is then measured."""
    rows = max(1, BLOCK // len(centred_TE))
    found = []
    for first in range(0, len(points_ME), rows):
        part_ME = points_ME[first : first + rows]
        order_MT = squares_T - 2 * part_ME @ centred_TE.T
        if own_M is not None:
            order_MT.scatter_(1, own_M[first : first + rows, None], torch.inf)
        near_MK = order_MT.topk(count, largest=False).indices
        found.append(torch.stack([(part_ME - centred_TE[near_M]).norm(dim=-1) for near_M in near_MK.T]).mean(0))
    return torch.cat(found) if found else points_ME.new_zeros(0)


@dataclass(frozen=True)
class Outside:
    """How far outside of the zoo something lies. `percentile` (0 to 100) and `multiple` (of the median) are None where the zoo is too
    small to compare with, `distance` where it is not finite; `agreement` is the IoU or the share of equal answers with the network
    that was placed, None of what was not placed."""

    distance: float | None
    neighbours: int
    members: int
    percentile: float | None
    multiple: float | None
    agreement: float | None
    task: Task

    @property
    def bound(self) -> float:
        """The agreement below which the space does not know what was placed."""
        return self.task.known_from

    @property
    def outside(self) -> bool:
        """Whether it lies farther out than every training instance."""
        return self.distance is None or self.percentile == 100

    @property
    def known(self) -> bool | None:
        """Whether the space gives what was placed; None of what was not placed."""
        return None if self.agreement is None else self.agreement >= self.bound

    @property
    def hollow(self) -> bool:
        """Whether its marker on a map is hollow: it is not where it seems to be."""
        return self.outside or self.known is False

    @property
    def words(self) -> str:
        """All of it for a person: one to three short sentences of plain text."""
        return " ".join(filter(None, (self._agreement(), self._place())))

    def _agreement(self) -> str:
        what, measure = self.task.placed, self.task.likeness
        if self.known is None:
            return ""
        if self.known:
            return f"{measure} {self.agreement:.2f} with the network that was placed."
        assert self.agreement is not None, "nothing was compared that could be known"
        reached = math.floor(100 * self.agreement) / 100  # rounded up it might read as the bound
        return (
            f"This space does not know such {what}: what it shows is its best guess, {measure} {reached:.2f} with the network that was "
            f"placed (from {self.bound:.2f} on it counts as known)."
        )

    def _place(self) -> str:
        if self.distance is None:
            return "Outside the zoo: its embedding is too large to measure how far."
        if self.percentile is None:
            return (
                f"How far outside the zoo it lies cannot be said: {self.members} training instance{'s' * (self.members != 1)} "
                "are too few to compare with."
            )
        basis = f"mean distance to the {self.neighbours} nearest"
        if not self.outside:
            return f"Inside the zoo: farther out than {math.floor(self.percentile)}\u202f% of its training instances ({basis})."
        if self.multiple is None:
            return f"Outside the zoo: farther out than any of its training instances ({basis})."
        return (
            f"Outside the zoo: {times(self.multiple)} as far out as its training instances usually are, farther than any of them ({basis})."
        )

    def as_json(self) -> dict:
        """For JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "task"}
        found = {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
        return found | {"bound": self.bound, "outside": self.outside, "known": self.known, "hollow": self.hollow, "words": self.words}

    def metrics(self) -> dict:
        """For the manifest of what was placed or kept."""
        split = f"its distance among those of the training instances, each to its {self.neighbours} nearest"
        found = {"neighbour_percentile": self.percentile, "neighbour_multiple": self.multiple}
        return {
            name: {"value": value if value is None else round(value, 6), "split": split, "n": self.members} for name, value in found.items()
        }


def times(multiple: float) -> str:
    if multiple > MOST:
        return "more than a million times"
    return f"{multiple:.1f} times" if multiple < 9.95 else f"{multiple:,.0f} times"


def compare(found: Members, embeddings_ME: Tensor, agreements: Sequence[float | None], task: Task) -> list[Outside]:
    """How far outside of a zoo each embedding lies; `agreements` has one for each, None where it was not placed."""
    own_S, said = found.own_S, []
    median = float(own_S.median()) if len(own_S) else 0.0
    for distance, agreement in zip(found.distances(embeddings_ME).tolist(), agreements, strict=True):
        finite = math.isfinite(distance)
        percentile = 100 * int((own_S < distance).sum()) / len(own_S) if len(own_S) and finite else None
        multiple = distance / median if median and finite else None
        said.append(Outside(distance if finite else None, found.neighbours, len(found.centred_TE), percentile, multiple, agreement, task))
    return said
