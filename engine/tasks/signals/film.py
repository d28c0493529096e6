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
from ...film import parts
from ...film.look import look
from ...film.sheet import Sheet
from ...film.walk import Walk
from ..filming import mixing, subject
from .networks import pictures, psnr
from .placing import data_of

DRAWN = 144  # pixels an axis that a network is asked for
SIDE = 288  # of a view
SHOWN = ("embedding", "aligned", "weights")


class Film:
    """A `Reel` (engine/film/walk.py)."""

    whole = False

    def __init__(self, host: Any, space: Any, walk: Walk):
        self.host, self.space, self.walk = host, space, walk
        self.paths = {"embedding": "embedding", "aligned": walk.way, "weights": "weights"}
        self.shape = data_of(space).shape
        self.found: dict[tuple[str, float], tuple[np.ndarray, list[float]]] = {}
        self.far: dict[float, bool] = {}

    @property
    def caption(self) -> list[str]:
        rows, cols = self.shape
        drawn = f"Each network is asked at {DRAWN}\u00b2 points."
        near = f"PSNR to the networks of A and B on {cols} x {rows} pixels, measured for this film."
        return [subject(self.space, self.walk), f"{mixing(self.walk)} {drawn} {near}"]

    @property
    def size(self) -> tuple[int, int]:
        return parts.WIDTH, parts.HEAD + SIDE + 76 + parts.foot_height(self.caption)

    def look(self, place: tuple[float, float]) -> None:
        gamma, level = place
        if level:
            raise InvalidValue("Signals have no surface: leave the levels out.")
        if ("embedding", gamma) in self.found:
            return
        steps = [self.host.between(self.space.id, self.walk.a, self.walk.b, gamma, asked) for asked in self.paths.values()]
        ends = [self.host.between(self.space.id, self.walk.a, self.walk.b, at, "weights") for at in (0.0, 1.0)]

        def answer() -> tuple[np.ndarray, list[list[float]]]:
            made_NP, ends_NP = (torch.stack([step.parameters_P for step in these]).to(self.host.device) for these in (steps, ends))
            own_NB, ends_NB = (pictures(these, self.space.arch, *self.shape).flatten(1) for these in (made_NP, ends_NP))
            drawn_NSS = pictures(made_NP, self.space.arch, DRAWN, DRAWN).cpu().numpy()
            return to_bytes(drawn_NSS, 0.0, 1.0), [psnr(own_NB, end_B).tolist() for end_B in ends_NB]

        drawn_NSS, near = self.host.run(answer)
        for at, path in enumerate(self.paths):
            self.found[path, gamma] = drawn_NSS[at], [to[at] for to in near]
        self.far[gamma] = bool(steps[0].outside and steps[0].outside.outside)

    def _said(self, path: str, gamma: float) -> str:
        return ", ".join(f"{value:.1f} dB to {name}" for name, value in zip("AB", self.found[path, gamma][1]))

    def frame(self, place: tuple[float, float]) -> Sheet:
        gamma, colours = place[0], look(self.walk.theme)
        sheet = parts.begun(self.walk, self.size[1], gamma, ", outside the zoo" if self.far[gamma] else "")
        pitch = (parts.WIDTH - 2 * parts.MARGIN - SIDE) / 2
        for at, path in enumerate(SHOWN):
            x = parts.MARGIN + at * pitch
            sheet.text(x, parts.HEAD + 24, parts.TITLES[path], 15, colours["text"], True)
            sheet.picture(x, parts.HEAD + 34, SIDE, SIDE, self.found[path, gamma][0], smooth=True)
            sheet.text(x, parts.HEAD + SIDE + 54, self._said(path, gamma), 15, colours["text"])
        parts.foot(sheet, self.caption, self.walk.theme)
        return sheet

    def strip(self, places: Sequence[tuple[float, float]]) -> Sheet:
        def draw(sheet: Sheet, path: str, place: tuple[float, float], x: int, y: int) -> str:
            pixels, near = self.found[path, place[0]]
            sheet.picture(x, y, parts.TILE, parts.TILE, pixels, smooth=True)
            return f"A {near[0]:.1f}, B {near[1]:.1f} dB"

        return parts.strip(self.walk, self.caption, places, [(path, parts.TITLES[path]) for path in SHOWN], draw)
