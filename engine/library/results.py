"""What the library's questions are answered with.

Legend: E embedding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ..kinds.netspace.placing import Placed


@dataclass(frozen=True)
class Quality:
    """A quality of a network, measured now. `value`, `low` and `high` are 0 to 1; `n` is how many inputs it rests on, `right` how many of
    them count for it. `low` to `high` is the 95 % interval (Wilson)."""

    name: str  # accuracy, agreement, IoU
    value: float
    low: float
    high: float
    n: int
    right: int
    split: str


@dataclass(frozen=True)
class Neighbour:
    """An instance near an embedding: its id and the Euclidean distance."""

    id: str
    distance: float


@dataclass(frozen=True)
class Optimised:
    """The best embedding [E] of a latent space optimisation, by validation; its step, and validation's quality (0 to 1) at the start and
    there. `quality` says of what."""

    embedding_E: Tensor = field(repr=False)
    step: int
    quality: str
    before: float
    after: float


@dataclass(frozen=True)
class Placement:
    """Where a network lives in a space. `asked`: what places it, as the command line takes it; `placed`: by the encoder and by inversion,
    with its likenesses to the network itself and how far outside of the zoo it lies; `xy`: on the two-dimensional map; `fit`: of the
    network that was fitted to a mesh or a picture, else None.
    """

    asked: list[str]
    placed: Placed = field(repr=False)
    xy: tuple[float, float]
    fit: dict | None = field(repr=False)

    @property
    def embedding_E(self) -> Tensor:
        """By inversion, or by the encoder where that answers more alike."""
        return self.placed.embedding_E

    @property
    def likeness(self) -> float:
        """0 to 1, of the space's network there and the one that was placed: IoU, agreement, as the space's task has it."""
        return self.placed.likeness

    def as_json(self) -> dict:
        """For JSON."""
        return {**self.placed.as_json(), "x2": self.xy[0], "y2": self.xy[1], "fit": self.fit}
