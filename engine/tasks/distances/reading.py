"""What the process with limits does that reads shapes (see meshes.py): files in, arrays out.

Shape suffixes: V vertices, F faces, 3 coordinates or corners.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...core.boundary import untrusted
from ...core.errors import ExplorerError, InvalidValue
from . import deepsdf, formats
from .chairs import RADIUS
from .mending import mend
from .pose import Pose

LARGEST = 1e150  # coordinates above it have no squares


def read(files: list[list[str]], pose: dict) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Of each file [path, name]: {"kind", "notes"} with the arrays "i.0" and "i.1", or {"error": sentence}."""
    said, arrays = [], {}
    for index, (path, name) in enumerate(files):
        try:
            kind, pair, notes = shape_of(Path(path), name, Pose(**pose))
        except ExplorerError as error:
            said.append({"error": str(error)})
            continue
        said.append({"kind": kind, "notes": notes})
        arrays |= {f"{index}.{side}": array for side, array in enumerate(pair)}
    return said, arrays


def shown(path: str, name: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """A file's shape as it is shown before it is placed: notes, and "vertices" (float32) and "faces" (int32). Raises InvalidValue."""
    from .deepsdf import SampleShape
    from .fit_process import mesh_shown
    from .meshes import MeshShape, samples_of

    kind, pair, notes = shape_of(Path(path), name, Pose())
    shape = MeshShape(*pair) if kind == "mesh" else SampleShape(*pair)
    samples_of(name, shape, 2, 0)
    found = mesh_shown(shape)
    return notes, {"vertices": found.vertices_V3.astype(np.float32), "faces": found.faces_F3.astype(np.int32)}


def shape_of(path: Path, name: str, pose: Pose) -> tuple[str, tuple[np.ndarray, np.ndarray], list[str]]:
    """One file's shape: "mesh" with vertices and faces, or "samples" with the tables of both sides. Raises InvalidValue."""
    suffix = path.suffix.lower()
    with untrusted(f"{name} is not a valid {suffix[1:].upper()} file: it", remedy="Export it again."):
        content = path.read_bytes()
        try:
            if suffix == ".npz":
                outside, inside, notes = deepsdf.parse(content, pose)
                return "samples", (outside, inside), notes
            vertices_V3, faces_F3, notes = normalised(*formats.parse(content, suffix[1:]), pose)
            return "mesh", (vertices_V3, faces_F3), notes
        except InvalidValue as error:
            raise InvalidValue(f"{name}: {error}") from error


def normalised(vertices_V3: np.ndarray, faces_F3: np.ndarray, pose: Pose) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A parsed mesh, checked, mended, upright, in its ball. Raises InvalidValue ("problem; remedy")."""
    if not len(faces_F3):
        raise InvalidValue("has no triangles; a point cloud or a drawing of lines is not a surface")
    if faces_F3.min() < 0 or faces_F3.max() >= len(vertices_V3):
        raise InvalidValue("has triangles with corners that do not exist; export it again")
    used_V3 = vertices_V3[np.unique(faces_F3)]
    if not np.isfinite(used_V3).all():
        raise InvalidValue("has vertices that are not finite; export it again")
    if abs(used_V3).max() > LARGEST or not np.ptp(used_V3, axis=0).max() > 0:
        raise InvalidValue("has no extent: all of its vertices lie in one point, or beyond any scale; export it again")
    # From where most of it lies: beside one point a million times as far away, the digits of the rest would be lost.
    vertices_V3 = (vertices_V3 - np.median(used_V3, axis=0)) / np.ptp(used_V3, axis=0).max()
    found = mend(vertices_V3, faces_F3)
    if not len(found.faces_F3):
        raise InvalidValue("has triangles without area only; export it again")
    vertices_V3 = pose.stand(found.vertices_V3)
    vertices_V3 = vertices_V3 - (vertices_V3.min(0) + vertices_V3.max(0)) / 2
    vertices_V3 *= RADIUS / np.linalg.norm(vertices_V3, axis=-1).max()
    return np.ascontiguousarray(vertices_V3), found.faces_F3, found.notes
