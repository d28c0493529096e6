"""What a person sees of a space of shapes: meshes along a path and of instances, and how near they are to what they should be.

A *path* says which network stands at gamma between two ends: "embedding" decodes the mixed embeddings, "weights" mixes the
networks' own weights (at gamma 0 it is the target), "aligned" does so once b's units are in a's order, "encoded" decodes what the
encoder alone says of a placed shape, and "original" is the shape that the first end was fitted to. An end is an instance of the zoo or
a placed shape.

Legend: E embedding, P parameters, M cells of the grid, Q points, 3 coordinates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..archs.sine import ready
from ..archs.siren import siren_field, stacked_layers
from ..core.errors import InvalidValue
from ..kinds.netspace import kept, placed_shapes
from ..kinds.netspace.outside import Outside
from ..kinds.netspace.space import Space, check_gamma
from ..nets.stacked import unflatten
from ..tasks.distances.live import LIVE_RESOLUTION, check_resolution
from ..tasks.distances.measures import CHAMFER_POINTS, as_trimesh, iou, measure
from ..tasks.distances.meshing import Field, Mesh, NoSurface, mesh, numpy_field
from ..tasks.distances.networks import GRID, grid
from ..tasks.distances.sources import chairs_of
from .host import End, Host, Loaded, network_between, outside_between, row_of

PATHS = ("embedding", "weights", "aligned", "encoded", "original")
MAX_LEVEL = 0.3  # of the iso-surface, on both sides of 0
ORIGINAL_RESOLUTION = 128  # of a procedural shape, which has no triangles of its own


@dataclass(frozen=True)
class View:
    """What is looked at; checked when it is made. Raises InvalidValue."""

    space_id: str
    a: str
    b: str
    gamma: float
    path: str = "embedding"
    resolution: int = 48
    level: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "gamma", check_gamma(self.gamma))
        if self.path not in PATHS:
            raise InvalidValue(f"There is no path {str(self.path)[:40]!r}: use one of {', '.join(PATHS)}.")
        check_resolution(self.resolution)
        if isinstance(self.level, bool) or not isinstance(self.level, (int, float)) or not -MAX_LEVEL <= self.level <= MAX_LEVEL:
            raise InvalidValue(f"level must be a number from {-MAX_LEVEL} to {MAX_LEVEL}; got {str(self.level)[:40]!r}.")


def shapes(host: Host, space_id: str) -> Loaded:
    """The loaded space. Raises InvalidValue where its networks have no surfaces."""
    loaded = host.loaded_space(space_id)
    task = loaded.space.task
    if not task.surfaces:
        raise InvalidValue(f"{space_id} holds {task.many}, which have no surface: ask for a step, or choose a space of shapes.")
    return loaded


def placed_shape(host: Host, loaded: Loaded, name: str) -> placed_shapes.PlacedShape:
    """The placed shape of that id. Raises UnknownId, InvalidValue, CorruptArtifact."""
    return loaded.once(("placed", name), lambda: placed_shapes.load(host.store, loaded.space, name))


def parameters(host: Host, view: View) -> Tensor:
    """Parameters [P] of the network that is looked at."""
    loaded = shapes(host, view.space_id)
    return host.run(_mixed, loaded.space, *host.ends(loaded, view.a, view.b, view.path), view)


def _mixed(space: Space, a: End, b: End, view: View) -> Tensor:
    return network_between(space, a, b, view.gamma, view.path).parameters_P


def outside(host: Host, view: View) -> Outside | None:
    """How far outside of the zoo the network that is looked at lies, a placed shape with the IoU that it reached; None on a path that
    is not of embeddings, and of an instance that the space was trained on. Raises UnknownId."""
    if view.path == "original":
        return None
    loaded = shapes(host, view.space_id)
    return host.run(outside_between, loaded.space, *host.ends(loaded, view.a, view.b), view.gamma, view.path)


def outside_of_placed(host: Host, space_id: str, name: str) -> Outside:
    """How far outside of the zoo a placed shape lies, with inversion. Raises UnknownId, InvalidValue, CorruptArtifact."""
    found = outside(host, View(space_id, name, name, 0.0))
    assert found is not None, "a placed shape was not trained on"
    return found


def field_of(space: Space, parameters_P: Tensor) -> Field:
    """The signed distance that a network of the space answers."""
    return siren_field(stacked_layers(unflatten(parameters_P, space.arch)))


def surface(host: Host, view: View) -> Mesh | NoSurface:
    """The mesh that is looked at, or where it has none. Raises UnknownId, InvalidValue, NonFiniteField."""
    loaded = shapes(host, view.space_id)
    if view.path == "original":
        return original(host, loaded, view.a)
    run = host.run if view.resolution <= LIVE_RESOLUTION else host.run_long
    # What a first mesh needs besides takes a second: on the device's thread it would hold up others.
    import scipy.ndimage  # noqa: F401

    ready()
    return run(_surface, host, loaded.space, *host.ends(loaded, view.a, view.b, view.path), view)


def _surface(host: Host, space: Space, a: End, b: End, view: View) -> Mesh | NoSurface:
    return mesh(field_of(space, _mixed(space, a, b, view)), view.resolution, view.level, device=host.device)


def original(host: Host, loaded: Loaded, name: str) -> Mesh:
    """The shape that an instance was fitted to: a placed shape's own triangles, or the surface of a procedural chair.
    Raises UnknownId, and InvalidValue where the zoo does not say."""
    if placed_shapes.is_id(name):
        return placed_shape(host, loaded, name).original
    row = row_of(loaded, name)
    if loaded.space.table["split"].iloc[row] in kept.FOUND:
        raise InvalidValue(f"{name} is kept as a network, not fitted to a shape: look at the network itself.")
    chairs = loaded.once("chairs", lambda: chairs_of(loaded.space.table))
    if chairs is None:
        raise InvalidValue(f"The zoo of {loaded.space.id} does not keep the meshes that it was fitted to: look at the target instead.")
    from ..tasks.distances.chairs import sdf

    field = numpy_field(partial(sdf, chairs[row]))
    return loaded.once(("original", name), lambda: host.run_long(mesh, field, ORIGINAL_RESOLUTION, 0.0, 1.0))


@torch.inference_mode()
def inside(host: Host, space: Space, parameters_P: Tensor, level: float = 0.0) -> np.ndarray:
    """Which middles of the cells of a grid of GRID an axis lie inside, bool [M]."""
    field = field_of(space, parameters_P)
    return np.concatenate([(field(part.to(host.device)) < level).cpu().numpy() for part in grid(GRID).split(2048)])


def target(host: Host, loaded: Loaded, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Of an end's own network: its insides [M] on the grid, and points [Q, 3] on its surface (None where it has none)."""

    def make() -> tuple[np.ndarray, np.ndarray | None]:
        parameters_P = host.end(loaded, name).parameters_P
        found = host.run_long(lambda: mesh(field_of(loaded.space, parameters_P), LIVE_RESOLUTION, device=host.device))
        return host.run_long(inside, host, loaded.space, parameters_P), points_on(found, 0) if isinstance(found, Mesh) else None

    return loaded.once(("target", name), make)


def points_on(found: Mesh, seed: int) -> np.ndarray:
    import trimesh

    return np.asarray(trimesh.sample.sample_surface(as_trimesh(found), CHAMFER_POINTS, seed=seed)[0])


def chamfer(points_Q3: np.ndarray, others_Q3: np.ndarray) -> float:
    """As engine.tasks.distances.measures.chamfer, of points that are drawn already."""
    from scipy.spatial import KDTree

    there, back = (KDTree(one).query(other)[0].mean() for one, other in ((points_Q3, others_Q3), (others_Q3, points_Q3)))
    return float((there + back) / 2)


def measures(host: Host, view: View) -> dict:
    """What is said of the mesh that is looked at: `mesh` (faces, area, volume, ...; None where there is no surface), and
    `to`, for each end {"iou", "chamfer"} to its own network, the target; IoU on a grid of `grid` cells an axis."""
    loaded = shapes(host, view.space_id)
    found = surface(host, view)
    said = asdict(measure(found)) if isinstance(found, Mesh) else None
    if view.path == "original":
        return {"mesh": said, "grid": GRID, "to": {}}
    inside_M = host.run_long(inside, host, loaded.space, parameters(host, view), view.level)
    points_Q3 = points_on(found, 1) if isinstance(found, Mesh) else None
    to = {}
    for name in dict.fromkeys((view.a, view.b)):
        target_M, target_Q3 = target(host, loaded, name)
        near = chamfer(points_Q3, target_Q3) if points_Q3 is not None and target_Q3 is not None else None
        to[name] = {"iou": iou(inside_M, target_M), "chamfer": near}
    return {"mesh": said, "grid": GRID, "to": to}
