"""What is said about a mesh, how far two shapes are apart, and meshes as files.

Lengths are in units of the cube [-1, 1]^3. Shape suffixes: V vertices, F faces, C components, Q points, R grid nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InvalidValue
from .meshing import Mesh

if TYPE_CHECKING:
    import trimesh

FORMATS = ("glb", "ply", "stl", "obj")
CHAMFER_POINTS = 10_000  # on each surface


@dataclass(frozen=True)
class MeshMeasures:
    """``volume`` is None for a mesh that is not watertight, which encloses none. ``largest_share`` is that of the
    largest component in the components' volumes (their sizes added; cavities count as components)."""

    faces: int
    area: float
    volume: float | None
    watertight: bool
    components: int
    largest_share: float


def as_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    """The same vertices and faces, none merged and none dropped."""
    import trimesh

    return trimesh.Trimesh(mesh.vertices_V3, mesh.faces_F3, process=False)


def measure(mesh: Mesh) -> MeshMeasures:
    """Area, volume, watertightness and components of a mesh."""
    solid = as_trimesh(mesh)
    watertight = bool(solid.is_watertight)
    volume_C = component_volumes(mesh)
    total = abs(volume_C).sum()
    return MeshMeasures(
        faces=len(mesh.faces_F3),
        area=float(solid.area),
        volume=float(volume_C.sum()) if watertight else None,
        watertight=watertight,
        components=len(volume_C),
        largest_share=float(abs(volume_C).max() / total) if total > 0 else 0.0,
    )


def component_volumes(mesh: Mesh) -> np.ndarray:
    """Signed volume (C,) of each connected component; that of a cavity is negative. An open component (one that the
    cube's border cuts) is closed by the cone to the middle of its vertices, which is a rough figure."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    faces_F3, count = mesh.faces_F3, len(mesh.vertices_V3)
    edges = np.concatenate([faces_F3[:, :2], faces_F3[:, 1:]])
    graph = coo_array((np.ones(len(edges), bool), edges.T), shape=(count, count))
    components, label_V = connected_components(graph, directed=False)
    used_V = np.bincount(label_V, minlength=components)
    middle_C3 = np.stack([np.bincount(label_V, axis, components) for axis in mesh.vertices_V3.T.astype(np.float64)], -1)
    middle_C3 /= used_V[:, None]
    label_F = label_V[faces_F3[:, 0]]
    a, b, c = (mesh.vertices_V3[faces_F3].astype(np.float64) - middle_C3[label_F][:, None]).transpose(1, 0, 2)
    return np.bincount(label_F, np.einsum("fi,fi->f", a, np.cross(b, c)) / 6, components)


def iou(inside_a: np.ndarray, inside_b: np.ndarray) -> float | None:
    """Intersection over union, 0 to 1, of two shapes given as booleans at the same points (any shape); None, undefined, where
    both are empty. Of fields: ``iou(values_a < 0, values_b < 0)``."""
    if inside_a.shape != inside_b.shape or inside_a.dtype != bool or inside_b.dtype != bool:
        raise InvalidValue("IoU compares two arrays of booleans of one shape: give values < level, not values.")
    union = np.count_nonzero(inside_a | inside_b)
    return np.count_nonzero(inside_a & inside_b) / union if union else None


def chamfer(mesh_a: Mesh, mesh_b: Mesh, count: int = CHAMFER_POINTS, seed: int = 0) -> float:
    """Chamfer distance: the mean distance from ``count`` points of one surface to the nearest of as many of the other,
    averaged over both directions. Not squared. Two samples of one surface are about 0.5 sqrt(area / count) apart, so
    that is its floor (0.01 for a chair)."""
    import trimesh
    from scipy.spatial import KDTree

    points = []
    for stream, mesh in enumerate((mesh_a, mesh_b)):
        points.append(trimesh.sample.sample_surface(as_trimesh(mesh), count, seed=2 * seed + stream)[0])
    there, _ = KDTree(points[1]).query(points[0])
    back, _ = KDTree(points[0]).query(points[1])
    return float((there.mean() + back.mean()) / 2)


def to_bytes(mesh: Mesh, format: str) -> bytes:
    """The mesh as a file: 'glb', 'ply' (binary), 'stl' (binary) or 'obj'. Raises InvalidValue for another format."""
    if format not in FORMATS:
        raise InvalidValue(f"A mesh is exported as {', '.join(FORMATS)}, not {format!r}.")
    content = as_trimesh(mesh).export(file_type=format)
    assert isinstance(content, (str, bytes)), "each of FORMATS is one file"
    return content.encode() if isinstance(content, str) else content
