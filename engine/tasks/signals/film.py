"""The film of a walk between two images that are networks.

Legend: S pixels a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...core.errors import InvalidValue
from ...core.frames import to_bytes
from ...film.walk import Walk
from ..filming import ThreeViews
from .networks import pictures, psnr
from .placing import data_of

DRAWN = 144  # pixels an axis that a network is asked for


class Film(ThreeViews):
    """Pictures."""

    def __init__(self, host: Any, space: Any, walk: Walk):
        super().__init__(host, space, walk)
        self.shape = rows, cols = data_of(space).shape
        drawn = f"Each network is asked at {DRAWN}\u00b2 points."
        self.measured = f"{drawn} PSNR to the networks of A and B on {cols} x {rows} pixels, measured for this film."
        self.found: dict[tuple[str, float], tuple[np.ndarray, list[float]]] = {}
        self.targets_NB: list[torch.Tensor] = []

    def look(self, place: tuple[float, float]) -> None:
        gamma, level = place
        if level:
            raise InvalidValue("Signals have no surface: leave the levels out.")
        if ("embedding", gamma) in self.found:
            return
        if not self.targets_NB:
            ends = [self.host.between(self.space.id, self.walk.a, self.walk.b, at, "weights") for at in (0.0, 1.0)]
            self.targets_NB = list(self.host.run(lambda: pictures(self._stacked(ends), self.space.arch, *self.shape).flatten(1)))
        steps = [self.host.between(self.space.id, self.walk.a, self.walk.b, gamma, asked) for asked in self.paths.values()]

        def answer() -> tuple[np.ndarray, list[list[float]]]:
            made_NP = self._stacked(steps)
            own_NB = pictures(made_NP, self.space.arch, *self.shape).flatten(1)
            drawn_NSS = pictures(made_NP, self.space.arch, DRAWN, DRAWN).cpu().numpy()
            return to_bytes(drawn_NSS, 0.0, 1.0), [psnr(own_NB, end_B).tolist() for end_B in self.targets_NB]

        drawn_NSS, near = self.host.run(answer)
        for at, path in enumerate(self.paths):
            self.found[path, gamma] = drawn_NSS[at], [to[at] for to in near]
        self.far[gamma] = bool(steps[0].outside and steps[0].outside.outside)

    def _stacked(self, steps: Sequence[Any]) -> torch.Tensor:
        return torch.stack([step.parameters_P for step in steps]).to(self.host.device)

    def pixels(self, path: str, place: tuple[float, float], side: int) -> np.ndarray:
        return self.found[path, place[0]][0]

    def said(self, path: str, place: tuple[float, float]) -> tuple[str, str, str]:
        a, b = self.found[path, place[0]][1]
        return f"{a:.1f} dB to A, {b:.1f} dB to B", f"A {a:.1f}, B {b:.1f} dB", ""
