"""What a film shows: places between two anchors, one a frame, and what a task gives to draw them.

Legend: F frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.errors import InvalidValue
from .sheet import Sheet

MOST = 300  # frames
LEAST_RATE, MOST_RATE = 1, 30  # frames a second
SWEEP, RATE = 100, 20  # frames, and frames a second, of a walk from A to B
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Walk:
    """A walk from `a` (gamma 0) to `b` (gamma 1) of a space: the gamma of each frame, and where a surface is cut (`levels`: as many, or
    none for 0), `rate` frames a second. Raises InvalidValue."""

    space: str
    a: str
    b: str
    gammas: tuple[float, ...]
    levels: tuple[float, ...] = ()
    rate: int = RATE
    theme: str = "light"
    camera: str | None = None  # of a surface, as the page's address has it
    way: str = "aligned"  # path of the weights mixed after alignment
    played: bool = True  # a sweep; else as a hand dragged it

    def __post_init__(self):
        if not 2 <= len(self.gammas) <= MOST:
            raise InvalidValue(f"A film has 2 to {MOST} frames; got {len(self.gammas)}.")
        if not all(_number(gamma) and 0 <= gamma <= 1 for gamma in self.gammas):
            raise InvalidValue("Each gamma of a film is a number from 0 (anchor A) to 1 (anchor B).")
        if self.levels and len(self.levels) != len(self.gammas) or not all(_number(level) for level in self.levels):
            raise InvalidValue("levels must be as many numbers as there are gammas, or be left out.")
        if isinstance(self.rate, bool) or not isinstance(self.rate, int) or not LEAST_RATE <= self.rate <= MOST_RATE:
            of = f"from {LEAST_RATE} to {MOST_RATE} frames a second"
            raise InvalidValue(f"rate must be a whole number {of}; got {str(self.rate)[:20]!r}.")
        if self.theme not in THEMES:
            raise InvalidValue(f"theme must be {' or '.join(THEMES)}; got {str(self.theme)[:20]!r}.")

    @property
    def places(self) -> list[tuple[float, float]]:
        """(gamma, level) of each frame [F]."""
        return list(zip(self.gammas, self.levels or [0.0] * len(self.gammas)))

    def few(self, count: int) -> list[tuple[float, float]]:
        """At most `count` of these, first and last among them, evenly in time."""
        places = self.places
        count = min(count, len(places))
        return [places[round(at * (len(places) - 1) / (count - 1))] for at in range(count)]


def sweep(frames: int = SWEEP) -> tuple[float, ...]:
    """The gammas of a walk from A to B. Raises InvalidValue."""
    if isinstance(frames, bool) or not isinstance(frames, int) or not 2 <= frames <= MOST:
        raise InvalidValue(f"A film has 2 to {MOST} frames; got {str(frames)[:20]!r}.")
    return tuple(round(at / (frames - 1), 4) for at in range(frames))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) <= 1


class Reel(Protocol):
    """A task's film of a walk. `look` measures a place, in short pieces; the rest draws what was measured."""

    whole: bool  # whether a frame shows what was measured of all

    @property
    def size(self) -> tuple[int, int]:
        """Of a frame, pixels; even numbers."""
        ...

    @property
    def caption(self) -> list[str]:
        """The space, the anchors, what was measured on what; of what was measured so far."""
        ...

    def look(self, place: tuple[float, float]) -> None:
        """Measure what lives at (gamma, level), if it is not known yet. Raises what the host does."""
        ...

    def frame(self, place: tuple[float, float]) -> Sheet:
        """A place as a frame."""
        ...

    def strip(self, places: Sequence[tuple[float, float]]) -> Sheet:
        """Some places side by side."""
        ...
