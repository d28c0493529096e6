"""The film of a walk between two shapes: the surfaces on each path, as the page's camera sees them.

Legend: M cells of the grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...archs.siren import siren_field, stacked_layers
from ...film.look import look, rgb
from ...film.walk import Walk
from ...nets.stacked import unflatten
from ..filming import ThreeViews
from .measures import iou
from .meshing import Mesh, NoSurface, mesh
from .networks import grid
from .raster import BESIDE, COLOURS, camera_of, picture

NODES, CELLS = 48, 24  # nodes an axis of the meshes; cells an axis where insides are compared


class Film(ThreeViews):
    """Meshes."""

    measured = (
        f"Marching cubes on {NODES}\u00b3 nodes (coarse). IoU with the targets of A and B (the networks as they were fitted) on a grid of "
        f"{CELLS}\u00b3 cells (coarse), measured for this film."
    )

    def __init__(self, host: Any, space: Any, walk: Walk):
        super().__init__(host, space, walk)
        self.camera = camera_of(walk.camera)
        self.found: dict[tuple[str, float, float], tuple[Mesh | NoSurface, np.ndarray]] = {}
        self.targets: list[np.ndarray] = []
        self.views: dict[tuple[str, float, float, int], np.ndarray] = {}

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

    def pixels(self, path: str, place: tuple[float, float], side: int) -> np.ndarray:
        key = (path, *place, side)
        if key not in self.views:
            colours = look(self.walk.theme)
            back, text = (np.array(rgb(colours[name])) / 255 for name in ("back", "text"))
            shadow = np.where(back > 0.5, 0.88 * back + 0.12 * text, 0.45 * back)
            found = self.found[path, *place][0]
            shown = found if isinstance(found, Mesh) else None
            self.views[key] = picture(shown, self.camera, side, COLOURS.get(path, BESIDE), tuple(back), tuple(shadow))
        return self.views[key]

    def said(self, path: str, place: tuple[float, float]) -> tuple[str, str, str]:
        """The IoU with each target; what there is of the surface."""
        found, inside_M = self.found[path, *place]
        near = [iou(inside_M, target_M) for target_M in self.targets]
        of = "IoU with " + ", ".join(f"{name} {'–' if value is None else f'{value:.2f}'}" for name, value in zip("AB", near))
        return of, of, f"{len(found.faces_F3):,} triangles" if isinstance(found, Mesh) else f"no surface: all lies {found.side}"
