"""The film of a walk between two shapes: the surfaces on each path, as the page's camera sees them.

Legend: M cells of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ...archs.siren import siren_field, stacked_layers
from ...film import parts
from ...film.look import look, rgb
from ...film.sheet import Sheet
from ...film.walk import Walk
from ...nets.stacked import unflatten
from ..filming import mixing, subject
from ..task import PATHS
from .measures import iou
from .meshing import Mesh, NoSurface, mesh
from .networks import grid
from .raster import BESIDE, COLOURS, camera_of, picture

NODES, CELLS = 48, 24  # nodes an axis of the meshes; cells an axis where insides are compared
SIDE = 288  # pixels of a view
SHOWN = ("embedding", "aligned", "weights")


class Film:
    """A `Reel` (engine/film/walk.py)."""

    whole = False

    def __init__(self, host: Any, space: Any, walk: Walk):
        self.host, self.space, self.walk = host, space, walk
        self.paths = {"embedding": "embedding", "aligned": walk.way, "weights": "weights"}
        assert set(self.paths) == set(PATHS)
        self.camera = camera_of(walk.camera)
        self.found: dict[tuple[str, float, float], tuple[Mesh | NoSurface, np.ndarray]] = {}
        self.far: dict[float, bool] = {}
        self.targets: list[np.ndarray] = []
        self.views: dict[tuple[str, float, float, int], np.ndarray] = {}

    caption_how = (
        f"Marching cubes on {NODES}\u00b3 nodes (coarse). IoU with the targets of A and B (the networks as they were fitted) on a grid of "
        f"{CELLS}\u00b3 cells (coarse), measured for this film."
    )

    @property
    def caption(self) -> list[str]:
        return [subject(self.space, self.walk), f"{mixing(self.walk)} {self.caption_how}"]

    @property
    def size(self) -> tuple[int, int]:
        return parts.WIDTH, parts.HEAD + SIDE + 76 + parts.foot_height(self.caption)

    def look(self, place: tuple[float, float]) -> None:
        gamma, level = place
        if not self.targets:
            ends = [self.host.between(self.space.id, self.walk.a, self.walk.b, at, "weights") for at in (0.0, 1.0)]
            self.targets = [self.host.run(self._inside, end.parameters_P, 0.0) for end in ends]
        for path, asked in self.paths.items():
            if (path, *place) in self.found:
                continue
            here = self.host.between(self.space.id, self.walk.a, self.walk.b, gamma, asked)
            surface = self.host.run(mesh, self._field(here.parameters_P), NODES, level, None, self.host.device)
            self.found[path, gamma, level] = surface, self.host.run(self._inside, here.parameters_P, level)
            if path == "embedding":
                self.far[gamma] = bool(here.outside and here.outside.outside)

    def _field(self, parameters_P: torch.Tensor) -> Any:
        return siren_field(stacked_layers(unflatten(parameters_P.to(self.host.device), self.space.arch)))

    @torch.inference_mode()
    def _inside(self, parameters_P: torch.Tensor, level: float) -> np.ndarray:
        """Which middles of the cells of a grid lie inside, bool [M]."""
        field = self._field(parameters_P)
        return np.concatenate([(field(part.to(self.host.device)) < level).cpu().numpy() for part in grid(CELLS).split(2048)])

    def _view(self, path: str, place: tuple[float, float], side: int) -> np.ndarray:
        key = (path, *place, side)
        if key not in self.views:
            colours = look(self.walk.theme)
            back, text = (np.array(rgb(colours[name])) / 255 for name in ("back", "text"))
            shadow = np.where(back > 0.5, 0.88 * back + 0.12 * text, 0.45 * back)
            found = self.found[path, *place][0]
            shown = found if isinstance(found, Mesh) else None
            self.views[key] = picture(shown, self.camera, side, COLOURS.get(path, BESIDE), tuple(back), tuple(shadow))
        return self.views[key]

    def _said(self, path: str, place: tuple[float, float]) -> tuple[str, str]:
        """The IoU with each target; what there is of the surface."""
        found, inside_M = self.found[path, *place]
        near = [iou(inside_M, target_M) for target_M in self.targets]
        of = ", ".join(f"{name} {'–' if value is None else f'{value:.2f}'}" for name, value in zip("AB", near))
        if isinstance(found, Mesh):
            return f"IoU with {of}", f"{len(found.faces_F3):,} triangles"
        return f"IoU with {of}", f"no surface: all lies {found.side}"

    def frame(self, place: tuple[float, float]) -> Sheet:
        (gamma, level), colours = place, look(self.walk.theme)
        levels = f", level {level:.3f}" if any(self.walk.levels) else ""
        sheet = parts.begun(self.walk, self.size[1], gamma, levels + (", outside the zoo" if self.far[gamma] else ""))
        pitch = (parts.WIDTH - 2 * parts.MARGIN - SIDE) / 2
        for at, path in enumerate(SHOWN):
            x = parts.MARGIN + at * pitch
            sheet.text(x, parts.HEAD + 24, parts.TITLES[path], 15, colours["text"], True)
            sheet.picture(x, parts.HEAD + 34, SIDE, SIDE, self._view(path, place, SIDE))
            near, surface = self._said(path, place)
            sheet.text(x, parts.HEAD + SIDE + 54, near, 15, colours["text"])
            sheet.text(x + SIDE, parts.HEAD + SIDE + 54, surface, 12, colours["quiet"], anchor="r")
        parts.foot(sheet, self.caption, self.walk.theme)
        return sheet

    def strip(self, places: Sequence[tuple[float, float]]) -> Sheet:
        def draw(sheet: Sheet, path: str, place: tuple[float, float], x: int, y: int) -> str:
            sheet.picture(x, y, parts.TILE, parts.TILE, self._view(path, place, 2 * parts.TILE), smooth=True)
            return self._said(path, place)[0]

        return parts.strip(self.walk, self.caption, places, [(path, parts.TITLES[path]) for path in SHOWN], draw)
